import { setTimeout as delay } from 'node:timers/promises';

/**
 * Resolves after `ms` milliseconds; rejects at once with the signal's reason when it is aborted, as a cancelled
 * task's `asyncio.sleep` raises.
 *
 * @example await sleep(1_000, this.signal);
 */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  try {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
