import { setTimeout as delay } from 'node:timers/promises';
import type Driver from 'better-sqlite3-multiple-ciphers';
import { SystemError } from '../system-errors/index.ts';
import { createPrivateFile } from './durable-files.ts';

const LOOK_EVERY_MS = 25;

interface SystemLockOptions {
  /** Milliseconds to wait for another holder. */
  readonly waitMs: number;
  /** Creates the error for when the wait ran out. */
  readonly busy: () => Error;
}

/**
 * Runs `work` while no other process, and no other call in this one, holds the same lock file.
 *
 * The lock is the operating system's own, taken through an empty SQLite file like the instance lock, so it ends with the
 * process and never becomes stale. The file remains.
 *
 * @throws the error of `busy` when another holder does not finish in time, and the system's error if it cannot lock
 */
export async function whileLocked<T>(
  lockFile: string,
  { waitMs, busy }: SystemLockOptions,
  work: () => Promise<T>,
): Promise<T> {
  // Loaded when needed: a command that only reads needs no engine.
  const { default: SQLite } = await import('better-sqlite3-multiple-ciphers');
  await createPrivateFile(lockFile).catch((error: unknown) => {
    if (!(error instanceof SystemError && error.errno === 'EEXIST')) throw error;
  });
  const lock = new SQLite(lockFile, { timeout: 0, fileMustExist: true });
  try {
    const deadline = performance.now() + waitMs;
    while (!taken(lock)) {
      if (performance.now() > deadline) throw busy();
      await delay(LOOK_EVERY_MS);
    }
    return await work();
  } finally {
    lock.close();
  }
}

function taken(lock: InstanceType<typeof Driver>): boolean {
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY'))
      return false;
    throw error;
  }
}
