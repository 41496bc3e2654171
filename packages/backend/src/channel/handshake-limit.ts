export interface HandshakeLimitOptions {
  readonly perMinute: number;
  readonly burst: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

interface Bucket {
  tokens: number;
  at: number;
}

/** How many sources are remembered; beyond that the one that was quiet longest is forgotten. */
const SOURCES = 10_000;

/** A token bucket for each source of handshakes: an address, or a network of IPv6. Bounded in memory, whoever knocks. */
export class HandshakeLimit {
  readonly #options: HandshakeLimitOptions;
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: HandshakeLimitOptions) {
    this.#options = options;
  }

  /** Takes a token. @returns 0, or the milliseconds until there is one again */
  take(source: string): number {
    const { perMinute, burst, now } = this.#options;
    const perMs = perMinute / 60_000;
    const at = now();
    const before = this.#buckets.get(source);
    const tokens = before === undefined ? burst : Math.min(burst, before.tokens + (at - before.at) * perMs);
    const enough = tokens >= 1;
    // Set anew, so that the map's order is that of the last knock.
    this.#buckets.delete(source);
    this.#buckets.set(source, { tokens: enough ? tokens - 1 : tokens, at });
    if (this.#buckets.size > SOURCES) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return enough ? 0 : Math.ceil((1 - tokens) / perMs);
  }
}
