/** The rate and the size of a token bucket. */
export interface TokenBucketOptions {
  /** Tokens that are added each second. */
  readonly perSecond: number;
  /** The capacity of the bucket, which starts full. Default: one second's worth. */
  readonly burst?: number;
  /** Tokens that may be taken in advance from an empty bucket. Default 0. */
  readonly overdraft?: number;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

/**
 * Limits a rate: `burst` events at once, and `perSecond` events a second in the long run.
 *
 * @example
 * ```ts
 * const bucket = new TokenBucket({ perSecond: 5, burst: 20 });
 * if (!bucket.take()) throw new TooManyRequests(bucket.waitMs());
 * ```
 */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #floor: number;
  readonly #now: () => number;
  #tokens: number;
  #at: number;

  constructor({
    perSecond,
    burst = perSecond,
    overdraft = 0,
    now = () => performance.now(),
  }: TokenBucketOptions) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#floor = -overdraft;
    this.#now = now;
    this.#tokens = burst;
    this.#at = now();
  }

  /**
   * Takes one token.
   * @returns `false`, taking nothing, if that would exceed the overdraft
   */
  take(): boolean {
    this.#refill();
    if (this.#tokens - 1 < this.#floor) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Milliseconds until the bucket holds `tokens`; 0 if it does. */
  waitMs(tokens = 1): number {
    // Called after each read of a connection, so the clock is read only if tokens are missing.
    if (this.#tokens >= tokens) return 0;
    this.#refill();
    return this.#tokens >= tokens ? 0 : Math.ceil(((tokens - this.#tokens) / this.#perSecond) * 1_000);
  }

  #refill(): void {
    const now = this.#now();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) / 1_000) * this.#perSecond);
    this.#at = now;
  }
}
