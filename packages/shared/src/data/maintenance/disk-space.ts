import { stat, statfs } from 'node:fs/promises';
import { errnoOf } from '../../core/system-errors/index.ts';
import { DatabaseGoneError } from '../file/errors.ts';
import { SpaceMissingError } from './errors.ts';

/** Free space that is required in addition to the size of a copy. */
const RESERVE_BYTES = 1_048_576;

/** The size of a database file. @throws {DatabaseGoneError} when it is missing */
export async function bytesOf(file: string): Promise<number> {
  const { size } = await stat(file).catch(() => {
    throw new DatabaseGoneError(file);
  });
  return size;
}

/** @throws {SpaceMissingError} when `folder` has no space for `bytes` more */
export async function requireSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const needed = Math.ceil(bytes) + RESERVE_BYTES;
  if (bavail * bsize < needed) throw new SpaceMissingError(folder, needed, bavail * bsize);
}

/** Whether `file` exists. @throws when the system does not allow to find out */
export async function exists(file: string): Promise<boolean> {
  return await stat(file).then(
    () => true,
    (error: Error) => {
      if (errnoOf(error) === 'ENOENT') return false;
      throw error;
    },
  );
}
