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

/** How many addresses are remembered; beyond that the one that was quiet longest is forgotten. */
const ADDRESSES = 10_000;

/** A token bucket for each address that opens channels. Bounded in memory, whoever knocks. */
export class HandshakeLimit {
  readonly #options: HandshakeLimitOptions;
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: HandshakeLimitOptions) {
    this.#options = options;
  }

  /** Takes a token. @returns 0, or the milliseconds until there is one again */
  take(address: string): number {
    const { perMinute, burst, now } = this.#options;
    const perMs = perMinute / 60_000;
    const at = now();
    const before = this.#buckets.get(address);
    const tokens = before === undefined ? burst : Math.min(burst, before.tokens + (at - before.at) * perMs);
    const enough = tokens >= 1;
    // Set anew, so that the map's order is that of the last knock.
    this.#buckets.delete(address);
    this.#buckets.set(address, { tokens: enough ? tokens - 1 : tokens, at });
    if (this.#buckets.size > ADDRESSES) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return enough ? 0 : Math.ceil((1 - tokens) / perMs);
  }
}
