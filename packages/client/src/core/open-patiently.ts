import { sleep } from '@aico/protocol/timing';
import { TooManyChannelsError } from '../errors.ts';

/**
 * Opens a channel. Where the backend answers that there are too many, opens it once more after the time that the backend gives.
 *
 * @param longestMs milliseconds: a longer wait is not waited for
 * @param signal ends the wait with its reason
 */
export async function openPatiently<T>(
  open: () => Promise<T>,
  longestMs: number,
  signal: AbortSignal,
): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof TooManyChannelsError)) throw error;
    const waitMs = error.retryAfterSeconds * 1_000;
    if (waitMs > longestMs) throw error;
    await sleep(waitMs, signal);
    return open();
  }
}
