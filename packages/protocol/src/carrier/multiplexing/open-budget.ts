/**
 * A token bucket for the streams that a peer opens: a burst of one second's worth, and so many each second from then on.
 * It may be overdrawn by as much again, for streams that had arrived already; until that is earned back the caller
 * should read nothing more.
 */
export class OpenBudget {
  readonly #perSecond: number;
  #tokens: number;
  #at = performance.now();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
  }

  /** Milliseconds until the bucket is not overdrawn any more. */
  get waitMs(): number {
    // Asked after each read: the clock is not needed while nothing is overdrawn.
    if (this.#tokens >= 0) return 0;
    this.#refill();
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens / this.#perSecond) * 1_000);
  }

  /** @returns false where the bucket is overdrawn as far as it may be: the stream must be reset */
  take(): boolean {
    this.#refill();
    if (this.#tokens - 1 < -this.#perSecond) return false;
    this.#tokens -= 1;
    return true;
  }

  #refill(): void {
    const now = performance.now();
    const earned = ((now - this.#at) / 1_000) * this.#perSecond;
    this.#tokens = Math.min(this.#perSecond, this.#tokens + earned);
    this.#at = now;
  }
}
