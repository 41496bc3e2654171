import { openToRead, writePrivateFile } from '../../core/paths/index.ts';
import { KeyFileExposedError, KeyFileUnreadableError } from '../errors.ts';
import { GuardedKey, wipe } from '../keys/guarded-key.ts';

const LENGTH = 32;

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/**
 * Reads a key file: 32 random bytes that only the owner may read.
 * @returns the key, or `undefined` when there is no such file
 * @throws {KeyFileExposedError} when group or others have any permission (POSIX)
 * @throws {KeyFileUnreadableError} when it cannot be read, is a link, or does not have 32 bytes
 */
export async function readKeyFile(file: string): Promise<GuardedKey | undefined> {
  let handle: Awaited<ReturnType<typeof openToRead>>;
  try {
    handle = await openToRead(file, { followLinks: false });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new KeyFileUnreadableError(
      file,
      codeOf(error) === 'ELOOP' ? 'it is a link' : 'it cannot be opened',
      error,
    );
  }
  try {
    // Checks the open file and not its name, so that it cannot be exchanged between the check and the read.
    const found = await handle.stat();
    if (!found.isFile()) throw new KeyFileUnreadableError(file, 'it is not a file');
    if (process.platform !== 'win32' && (found.mode & 0o077) !== 0)
      throw new KeyFileExposedError(file, found.mode & 0o777);
    if (found.size !== LENGTH)
      throw new KeyFileUnreadableError(file, `it holds ${found.size} bytes, and a key is ${LENGTH}`);
    const bytes = Buffer.alloc(LENGTH);
    const { bytesRead } = await handle.read(bytes, 0, LENGTH, 0);
    if (bytesRead !== LENGTH) {
      wipe(bytes);
      throw new KeyFileUnreadableError(file, 'it ended early');
    }
    return GuardedKey.take(bytes);
  } catch (error) {
    if (error instanceof KeyFileExposedError || error instanceof KeyFileUnreadableError) throw error;
    throw new KeyFileUnreadableError(file, 'it cannot be read', error);
  } finally {
    await handle.close();
  }
}

/** Makes a key file with a new random key, mode 0600, durably. */
export async function createKeyFile(file: string): Promise<GuardedKey> {
  const key = GuardedKey.random(LENGTH);
  const bytes = key.use((memory) => Uint8Array.from(memory));
  try {
    await writePrivateFile(file, bytes);
    return key;
  } catch (error) {
    key.wipe();
    throw new KeyFileUnreadableError(file, 'it cannot be written', error);
  } finally {
    wipe(bytes);
  }
}
