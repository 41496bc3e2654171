import { BoundedCache, TokenBucket } from '@aico/shared/core/tasks';

interface HandshakeLimitOptions {
  readonly perMinute: number;
  readonly burst: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** The number of sources that are remembered; beyond it the one without handshakes for longest is dropped. */
const SOURCES = 10_000;

/** Limits the handshakes of each source: an address, or an IPv6 network. Its memory is bounded for any number of sources. */
export class HandshakeLimit {
  readonly #options: HandshakeLimitOptions;
  readonly #buckets = new BoundedCache<string, TokenBucket>(SOURCES);

  constructor(options: HandshakeLimitOptions) {
    this.#options = options;
  }

  /**
   * Takes a token.
   * @returns 0, or the milliseconds until a token is available
   */
  take(source: string): number {
    const { perMinute, burst, now } = this.#options;
    const bucket = this.#buckets.get(source) ?? new TokenBucket({ perSecond: perMinute / 60, burst, now });
    // Inserted again, so that the cache is in the order of the last handshake.
    this.#buckets.set(source, bucket);
    return bucket.take() ? 0 : bucket.waitMs();
  }
}
