import path from 'node:path';
import { openToRead } from '../../core/paths/index.ts';
import { CredentialUnusableError } from '../errors.ts';
import { GuardedKey } from '../keys/guarded-key.ts';

/** The name a unit gives the credential, unless another is configured. */
export const CREDENTIAL_NAME = 'aico-root';

const SHORTEST = 32;
const LONGEST = 64 * 1024;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/**
 * The credential that systemd hands to this unit (systemd.exec(5), LoadCredential=), or `undefined` when it hands in
 * none of this name. Never logged, never kept: what is derived from it wraps the root key.
 *
 * @throws {CredentialUnusableError} when it is there and cannot be used
 */
export async function readCredential(
  name: string,
  folder: string | undefined,
): Promise<GuardedKey | undefined> {
  if (!NAME.test(name)) throw new CredentialUnusableError(name, 'this cannot be the name of a credential');
  if (folder === undefined || folder === '') return undefined;
  let handle: Awaited<ReturnType<typeof openToRead>>;
  try {
    handle = await openToRead(path.join(folder, name), { followLinks: false });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new CredentialUnusableError(name, 'it cannot be opened', error);
  }
  try {
    const { size, mode } = await handle.stat();
    // systemd gives the unit's user its right by an access list, which shows as a right of the group.
    if (process.platform !== 'win32' && (mode & 0o007) !== 0)
      throw new CredentialUnusableError(name, 'others on this machine can read it');
    if (size < SHORTEST || size > LONGEST)
      throw new CredentialUnusableError(name, `it has ${size} bytes, and needs ${SHORTEST} to ${LONGEST}`);
    const bytes = Buffer.alloc(size);
    const { bytesRead } = await handle.read(bytes, 0, size, 0);
    const key = GuardedKey.take(bytes);
    if (bytesRead === size) return key;
    key.wipe();
    throw new CredentialUnusableError(name, 'it ended early');
  } catch (error) {
    if (error instanceof CredentialUnusableError) throw error;
    throw new CredentialUnusableError(name, 'it cannot be read', error);
  } finally {
    await handle.close();
  }
}
