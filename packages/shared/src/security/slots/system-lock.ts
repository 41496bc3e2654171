import { setTimeout as delay } from 'node:timers/promises';
import type Driver from 'better-sqlite3-multiple-ciphers';
import { createPrivateFile } from '../../core/paths/index.ts';
import { SystemError } from '../../core/system-errors/index.ts';

const LOOK_EVERY_MS = 25;

export interface SystemLockOptions {
  /** How long to wait for another holder. */
  readonly waitMs: number;
  /** The error when the wait was in vain. */
  readonly busy: () => Error;
}

/**
 * Runs `work` while no other process, and no other call in this one, runs under the same lock file.
 *
 * The lock is the operating system's own, taken through an empty SQLite file as the instance lock is, so it ends with the
 * process however that ends. The file stays: it says nothing, and there is no stale lock to judge and to remove.
 *
 * @throws the error of `busy` when another holder does not end in time, and the system's where it cannot lock
 */
export async function whileLocked<T>(
  lockFile: string,
  { waitMs, busy }: SystemLockOptions,
  work: () => Promise<T>,
): Promise<T> {
  // Loaded when it is wanted: a command that only reads the slots needs no engine.
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
