/** How long to wait between attempts. */
export interface Backoff {
  /** Milliseconds before the second attempt. */
  readonly minDelayMs: number;
  /** Milliseconds the wait never exceeds. */
  readonly maxDelayMs: number;
}

/**
 * The wait after the `attempt`th failure (1, 2, …): doubles up to the maximum, and a random half of it is taken
 * off, so that those who failed together do not come back together. (p-retry adds its jitter below the maximum
 * only, and never retries a TypeError, which is just what a half-started dependency throws.)
 *
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ ("equal jitter")
 */
export function backoffDelay(
  attempt: number,
  { minDelayMs, maxDelayMs }: Backoff,
  random: () => number,
): number {
  // Doubled more often, no wait at all would become none that is a number.
  const ceiling = Math.min(maxDelayMs, minDelayMs * 2 ** Math.min(attempt - 1, 52));
  return Math.round(ceiling * (1 - random() / 2));
}

/** Waits; `true` when the time has passed, `false` at once when `signal` is aborted. Leaves no timer behind. */
export function pause(delayMs: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve(false);
      return;
    }
    const cut = (): void => {
      clearTimeout(timer);
      resolve(false);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', cut);
      resolve(true);
    }, delayMs);
    signal.addEventListener('abort', cut, { once: true });
  });
}

/**
 * Whether the `count`th failure in a row is worth a line in the log: the 1st, 2nd, 4th, 8th, …, so that a failure that lasts
 * does not fill the log.
 */
export function isNoteworthy(count: number): boolean {
  return count > 0 && Number.isInteger(Math.log2(count));
}
