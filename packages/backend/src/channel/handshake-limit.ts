import { BoundedCache, TokenBucket } from '@aico/shared/core/tasks';

export interface HandshakeLimitOptions {
  readonly perMinute: number;
  readonly burst: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** How many sources are remembered; beyond that the one that was quiet longest is forgotten. */
const SOURCES = 10_000;

/** Limits the handshakes of each source: an address, or a network of IPv6. Its memory is bounded for any number of sources. */
export class HandshakeLimit {
  readonly #options: HandshakeLimitOptions;
  readonly #buckets = new BoundedCache<string, TokenBucket>(SOURCES);

  constructor(options: HandshakeLimitOptions) {
    this.#options = options;
  }

  /** Takes a token. @returns 0, or the milliseconds until there is one again */
  take(source: string): number {
    const { perMinute, burst, now } = this.#options;
    const bucket = this.#buckets.get(source) ?? new TokenBucket({ perSecond: perMinute / 60, burst, now });
    // Set anew, so that the cache's order is that of the last handshake.
    this.#buckets.set(source, bucket);
    return bucket.take() ? 0 : bucket.waitMs();
  }
}
