import type { Receiver } from '../transports/transport.ts';
import { type Isolation, UnshareablePayload } from './isolation.ts';
import type { MessageHead } from './message.ts';
import type { MessageRun } from './message-run.ts';

/** A run that may still grow: what its publisher adds goes to the same receivers under the same head. */
export class OpenRun implements MessageRun {
  readonly head: MessageHead;
  readonly sequence: number;
  readonly payloads: unknown[];
  readonly copied: boolean;
  readonly receivers: readonly Receiver[];
  readonly #isolation: Isolation;
  /** The payload published last, and what is handed on for it: bursts often hold one object many times. */
  #last: unknown;
  #lastCopy: unknown;
  /** How long it may become. */
  #limit: number;

  constructor(
    { head, sequence, payloads, copied }: MessageRun & { readonly payloads: unknown[] },
    receivers: readonly Receiver[],
    limit: number,
    isolation: Isolation,
    published: unknown,
  ) {
    this.head = head;
    this.sequence = sequence;
    this.payloads = payloads;
    this.copied = copied;
    this.receivers = receivers;
    this.#isolation = isolation;
    this.#limit = limit;
    this.#last = published;
    this.#lastCopy = payloads[0];
  }

  /** The number that the next message would have. */
  get next(): number {
    return this.sequence + this.payloads.length;
  }

  /** Takes one more message in; `false`, and nothing has happened, when it cannot. */
  add(payload: unknown): boolean {
    const { payloads } = this;
    if (payloads.length >= this.#limit) return false;
    if (payload !== this.#last) {
      let copy: unknown;
      try {
        copy = this.#isolation.take(this.head.type, payload);
      } catch {
        // Whoever publishes it next, in the longer way, is told why.
        return false;
      }
      if (copy instanceof UnshareablePayload) return false;
      this.#last = payload;
      this.#lastCopy = copy;
    }
    payloads.push(this.#lastCopy);
    return true;
  }

  /** Nothing can be added from here on. */
  close(): void {
    this.#limit = 0;
    this.#last = undefined;
    this.#lastCopy = undefined;
  }
}
