import pRetry, { AbortError } from 'p-retry';
import { TaskOptionError } from './errors.ts';

export interface RetryOptions {
  /** How often it is tried in all. Default 3. */
  readonly attempts?: number;
  /** Milliseconds before the second attempt; doubled before each further one. Default 1 000. */
  readonly minDelayMs?: number;
  /** The longest wait in milliseconds. Default 30 000. */
  readonly maxDelayMs?: number;
  /** Waits are multiplied by a random factor from 1 to 2, so that many do not come back at once. Default `true`. */
  readonly jitter?: boolean;
  readonly signal?: AbortSignal;
  /** Whether another attempt is worth it. Default: always. */
  readonly shouldRetry?: (error: unknown) => boolean;
  /** Told of each failed attempt, the last included. */
  readonly onFailure?: (error: unknown, attempt: number) => void;
}

/**
 * Tries `work` until it succeeds, with exponential backoff. Rejects with the last attempt's error, or at once with
 * the signal's reason.
 *
 * @throws {TaskOptionError} when an option is out of range
 * @example await retry(() => this.connect(), { attempts: 3, signal });
 */
export async function retry<T>(
  work: (attempt: number) => T | Promise<T>,
  options: RetryOptions = {},
): Promise<T> {
  const { attempts = 3, minDelayMs = 1_000, maxDelayMs = 30_000, jitter = true, signal } = options;
  if (!Number.isInteger(attempts) || attempts < 1)
    throw new TaskOptionError('attempts', 'must be a whole number of at least 1');
  let last: { readonly error: unknown } | undefined;
  const attempt = async (number: number): Promise<T> => {
    try {
      return await work(number);
    } catch (error) {
      last = { error };
      options.onFailure?.(error, number);
      if (number >= attempts || options.shouldRetry?.(error) === false) throw new AbortError('given up');
      // p-retry gives up on a TypeError, and insists on errors; what failed is ours to judge and kept above.
      throw new Error('again', { cause: error });
    }
  };
  try {
    return await pRetry(attempt, {
      retries: attempts - 1,
      minTimeout: minDelayMs,
      maxTimeout: Math.max(minDelayMs, maxDelayMs),
      factor: 2,
      randomize: jitter,
      signal,
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw last === undefined ? error : last.error;
  }
}
