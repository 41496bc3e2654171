import { chownSync, statSync } from 'node:fs';
import { type FileHandle, stat } from 'node:fs/promises';

/** Only root can give a file to another user, and needs to: files of other users belong to them already. */
function isRoot(): boolean {
  return process.geteuid?.() === 0;
}

/**
 * Gives a file or folder that root has just created to the owner of `folder`, so that the user of the backend can read what
 * maintenance as root has written.
 */
export async function giveToOwnerOf(folder: string, handle: FileHandle): Promise<void> {
  if (!isRoot()) return;
  const { uid, gid } = await stat(folder);
  const found = await handle.stat();
  if (found.uid !== uid || found.gid !== gid) await handle.chown(uid, gid);
}

/** {@link giveToOwnerOf} by name, for a file or folder that this process has just created. */
export function giveNameToOwnerOf(folder: string, created: string): void {
  if (!isRoot()) return;
  const { uid, gid } = statSync(folder);
  const found = statSync(created);
  if (found.uid !== uid || found.gid !== gid) chownSync(created, uid, gid);
}
