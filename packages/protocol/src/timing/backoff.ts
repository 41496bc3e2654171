/** The delays between attempts. */
export interface Backoff {
  /** Milliseconds before the second attempt. */
  readonly minDelayMs: number;
  /** The longest delay in milliseconds. */
  readonly maxDelayMs: number;
}

/**
 * The longest delay in milliseconds after the `attempt`th failure (1, 2, …). It doubles with each failure, up to the maximum.
 */
export function backoffCeiling(attempt: number, { minDelayMs, maxDelayMs }: Backoff): number {
  // The exponent is limited because 0 * 2 ** 1024 is NaN.
  return Math.min(maxDelayMs, minDelayMs * 2 ** Math.min(attempt - 1, 52));
}

/**
 * The delay in milliseconds after the `attempt`th failure (1, 2, …): between half of `backoffCeiling()` and all of it, so that
 * peers that failed at the same moment do not retry at the same moment.
 *
 * @param random returns a number from 0 up to 1
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ ("equal jitter")
 * @example await pause(backoffDelay(failures, { minDelayMs: 250, maxDelayMs: 30_000 }), signal);
 */
export function backoffDelay(attempt: number, backoff: Backoff, random: () => number = Math.random): number {
  return Math.round(backoffCeiling(attempt, backoff) * (1 - random() / 2));
}
