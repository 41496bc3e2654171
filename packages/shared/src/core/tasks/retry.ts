import { backoffDelay, sleep } from '@aico/protocol/timing';
import { TaskOptionError } from './errors.ts';

/** How often work is tried, and how long the waits between attempts are. */
export interface RetryOptions {
  /** The number of attempts in all. Default 3. */
  readonly attempts?: number;
  /** Milliseconds before the second attempt; doubled before each further one. Default 1 000. */
  readonly minDelayMs?: number;
  /** The longest wait in milliseconds. Default 30 000. */
  readonly maxDelayMs?: number;
  readonly signal?: AbortSignal;
  /** Whether another attempt is worth it. Default: always. */
  readonly shouldRetry?: (error: unknown) => boolean;
  /** Called after each failed attempt, the last included. */
  readonly onFailure?: (error: unknown, attempt: number) => void;
  /** A number from 0 up to 1, for the jitter of the waits. Default `Math.random`. */
  readonly random?: () => number;
}

/**
 * Tries `work` until it succeeds, with the waits of `backoffDelay()`. Rejects with the error of the last attempt, or with
 * the signal's reason.
 *
 * @throws {TaskOptionError} when an option is out of range
 * @example await retry(() => this.connect(), { attempts: 3, signal });
 */
export async function retry<T>(
  work: (attempt: number) => T | Promise<T>,
  options: RetryOptions = {},
): Promise<T> {
  const { attempts = 3, minDelayMs = 1_000, maxDelayMs = 30_000, signal, random } = options;
  if (!Number.isInteger(attempts) || attempts < 1)
    throw new TaskOptionError('attempts', 'must be a whole number of at least 1');
  const backoff = { minDelayMs, maxDelayMs: Math.max(minDelayMs, maxDelayMs) };
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted();
    try {
      return await work(attempt);
    } catch (error) {
      options.onFailure?.(error, attempt);
      signal?.throwIfAborted();
      if (attempt >= attempts || options.shouldRetry?.(error) === false) throw error;
    }
    await sleep(backoffDelay(attempt, backoff, random), signal);
  }
}
