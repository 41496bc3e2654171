import { setTimeout as delay } from 'node:timers/promises';
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
 * The lock is a `LockFile`, which ends with the process. The file remains.
 *
 * @throws the error of `busy` when another holder does not finish in time, and the system's error if it cannot lock
 */
export async function whileLocked<T>(
  lockFile: string,
  { waitMs, busy }: SystemLockOptions,
  work: () => Promise<T>,
): Promise<T> {
  // Loaded when needed: a command that only reads needs no engine.
  const { LockFile } = await import('./lock-file.ts');
  await createPrivateFile(lockFile).catch((error: unknown) => {
    if (!(error instanceof SystemError && error.errno === 'EEXIST')) throw error;
  });
  using lock = new LockFile(lockFile, { mustExist: true });
  const deadline = performance.now() + waitMs;
  while (lock.take() !== undefined) {
    if (performance.now() > deadline) throw busy();
    await delay(LOOK_EVERY_MS);
  }
  return await work();
}
