/**
 * Waits `delayMs` milliseconds.
 *
 * @returns `true` after the delay, `false` as soon as `signal` is aborted; no timer is left behind
 * @example while (await pause(1_000, signal)) await poll();
 */
export function pause(delayMs: number, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve(false);
      return;
    }
    const settle = (elapsed: boolean): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      resolve(elapsed);
    };
    const abort = (): void => settle(false);
    const timer = setTimeout(() => settle(true), delayMs);
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/**
 * Resolves after `delayMs` milliseconds; rejects with the reason of `signal` as soon as it is aborted.
 *
 * @example await sleep(1_000, this.signal);
 */
export async function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  if (!(await pause(delayMs, signal))) signal?.throwIfAborted();
}
