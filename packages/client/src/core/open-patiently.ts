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
    await pause(waitMs, signal);
    return open();
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
}
