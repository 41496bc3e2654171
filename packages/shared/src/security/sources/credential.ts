import path from 'node:path';
import { openToRead } from '../../core/paths/index.ts';
import { CredentialUnusableError } from '../errors.ts';
import { GuardedKey } from '../keys/guarded-key.ts';

/** The default name of the credential. */
export const CREDENTIAL_NAME = 'aico-root';

const SHORTEST = 32;
const LONGEST = 64 * 1024;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/**
 * The credential that systemd passes to this unit (systemd.exec(5), LoadCredential=), or `undefined` if there is none of this
 * name. It is never logged or stored; the key derived from it wraps the root key.
 *
 * @throws {CredentialUnusableError} when it exists and cannot be used
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
    // systemd grants the unit's user access by an access control list, which appears as a group permission.
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
