import { chownSync, statSync } from 'node:fs';
import { type FileHandle, stat } from 'node:fs/promises';

/** Only root can give a file away, and only root has to: what others create is their own. */
function isRoot(): boolean {
  return process.geteuid?.() === 0;
}

/**
 * Gives a file or folder that root has just created to the owner of `folder`, so that maintenance as root leaves nothing
 * that the backend's own user cannot read.
 */
export async function giveToOwnerOf(folder: string, handle: FileHandle): Promise<void> {
  if (!isRoot()) return;
  const { uid, gid } = await stat(folder);
  const found = await handle.stat();
  if (found.uid !== uid || found.gid !== gid) await handle.chown(uid, gid);
}

/** The same by name, for a folder or file that this process has just created in a folder of `folder`'s owner. */
export function giveNameToOwnerOf(folder: string, created: string): void {
  if (!isRoot()) return;
  const { uid, gid } = statSync(folder);
  const found = statSync(created);
  if (found.uid !== uid || found.gid !== gid) chownSync(created, uid, gid);
}
