import { BoundedCache } from '@aico/shared/core/tasks';

/** Unanswered requests per client; beyond it the oldest can no longer be answered. */
const MOST = 8_192;

/** Milliseconds for which a request without a deadline can be answered. */
const DEFAULT_TIME_MS = 600_000;

interface OpenRequest {
  readonly deadline: number;
  /** The number of the client's subscriptions that received it, and so of possible answers. */
  deliveries: number;
}

/**
 * The unanswered requests that were sent to one client. An answer needs no right to its topic, so it is accepted only from
 * clients that received the request: a guessed or overheard address is useless.
 */
export class OpenRequests {
  /** By reply topic. */
  readonly #open = new BoundedCache<string, OpenRequest>(MOST);

  get size(): number {
    return this.#open.size;
  }

  /**
   * Notes a request sent to the client.
   * @param deadline by `performance.now()`
   */
  add(replyto: string, deadline: number | undefined): void {
    const known = this.#open.get(replyto);
    if (known !== undefined) {
      known.deliveries += 1;
      return;
    }
    this.#open.set(replyto, { deadline: deadline ?? performance.now() + DEFAULT_TIME_MS, deliveries: 1 });
  }

  /** Whether the client may answer there. A request can be answered as often as it was delivered. */
  answer(replyto: string): boolean {
    const request = this.#open.get(replyto);
    if (request === undefined) return false;
    request.deliveries -= 1;
    if (request.deliveries === 0) this.#open.delete(replyto);
    return request.deadline > performance.now();
  }

  /** Drops requests whose deadline has passed. */
  prune(): void {
    const now = performance.now();
    for (const [replyto, { deadline }] of this.#open.entries())
      if (deadline <= now) this.#open.delete(replyto);
  }
}
