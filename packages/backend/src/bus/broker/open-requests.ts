/** Requests that a client may have in hand; beyond that the oldest can no longer be answered. */
const MOST = 8_192;

/** Milliseconds for which a request that states no time left can be answered. */
const DEFAULT_TIME_MS = 600_000;

interface OpenRequest {
  readonly deadline: number;
  /** How many subscriptions of the client it went to: so many answers may come. */
  deliveries: number;
}

/**
 * The requests that one client was sent and has not answered. An answer needs no right to its topic, so it is taken from
 * those alone that were asked: neither an address that was guessed nor one that was overheard is of any use.
 */
export class OpenRequests {
  /** By the topic on which the answer is awaited. */
  readonly #open = new Map<string, OpenRequest>();

  get size(): number {
    return this.#open.size;
  }

  /** The client is sent a request. @param deadline by `performance.now()` */
  add(replyto: string, deadline: number | undefined): void {
    const known = this.#open.get(replyto);
    if (known !== undefined) {
      known.deliveries += 1;
      return;
    }
    const [oldest] = this.#open.keys();
    if (this.#open.size >= MOST && oldest !== undefined) this.#open.delete(oldest);
    this.#open.set(replyto, { deadline: deadline ?? performance.now() + DEFAULT_TIME_MS, deliveries: 1 });
  }

  /** Whether the client may answer there; each request is answered as often as it was delivered. */
  answer(replyto: string): boolean {
    const request = this.#open.get(replyto);
    if (request === undefined) return false;
    request.deliveries -= 1;
    if (request.deliveries === 0) this.#open.delete(replyto);
    return request.deadline > performance.now();
  }

  /** Forgets requests whose time is over. */
  prune(): void {
    const now = performance.now();
    for (const [replyto, { deadline }] of this.#open) if (deadline <= now) this.#open.delete(replyto);
  }
}
