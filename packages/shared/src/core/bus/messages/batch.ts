import type { TSchema } from 'typebox';
import { copyOfSnapshot, type Isolation, UnshareablePayload } from './isolation.ts';

/** The number of a message whose id is the id prefix without a suffix. */
export const NO_NUMBER = 2 ** 48 - 1;

/** The attributes that all messages of a batch share. */
export interface BatchHeader {
  readonly topic: string;
  readonly source: string;
  readonly timeMs: number;
  /** The prefix and the message's number form the id; a number occurs once for each prefix. */
  readonly idPrefix: string;
  /** The encoding of payloads that leave the process. */
  readonly contentType: string;
  readonly traceparent: string | undefined;
  readonly replyto: string | undefined;
  /** The time, by `performance.now()`, after which no answer is awaited. */
  readonly deadline: number | undefined;
  /** The schema that the payloads were checked against, so that a subscription with the same schema need not check again. */
  readonly checkedBy: TSchema | undefined;
}

/**
 * Consecutive messages of one publisher on one topic. Messages travel from a publisher to queues and frames in this form
 * only, so that no object per message is allocated before a handler receives it.
 */
export interface Batch {
  readonly header: BatchHeader;
  readonly length: number;
  number(index: number): number;
  /**
   * The payload of a message, either frozen or copied for one subscription.
   *
   * @throws {PayloadInvalidError} @throws {DataBoundsError} when the bytes of a message cannot be decoded
   */
  payload(index: number): unknown;
  /** The messages from `from` up to, but not including, `to`. The part does not keep the other messages in memory. */
  part(from: number, to: number): Batch;
}

/** A batch to which its publisher may still add messages. */
export interface OpenBatch {
  readonly header: BatchHeader;
  /** The number that the next message gets. */
  readonly next: number;
  /** Adds a message and returns a promise that settles when it is accepted; returns `undefined` if the batch does not take it. */
  add(payload: unknown): Promise<void> | undefined;
}

/** The result of `add` within one process, where a message in a batch counts as accepted. */
export const ACCEPTED: Promise<void> = Promise.resolve();

/** A batch of values, kept in one array that the subscriptions share. */
export class ValueBatch implements Batch, OpenBatch {
  readonly header: BatchHeader;
  readonly #first: number;
  readonly #payloads: unknown[];
  /** Whether each subscription gets its own copy of each payload, because the payloads cannot be frozen. */
  readonly #isCopied: boolean;
  readonly #isolation: Isolation | undefined;
  /** The payload published last and its copy, kept because bursts often publish one object many times. */
  #last: unknown;
  #lastCopy: unknown;
  /** The maximum length. */
  #limit: number;

  /**
   * @param first the number of the first message
   * @param limit the maximum length; 0 if no message will be added
   * @param isolation copies the added payloads
   * @param published the original of the first of `payloads`
   */
  constructor(
    header: BatchHeader,
    first: number,
    payloads: unknown[],
    isCopied: boolean,
    limit = 0,
    isolation?: Isolation,
    published?: unknown,
  ) {
    this.header = header;
    this.#first = first;
    this.#payloads = payloads;
    this.#isCopied = isCopied;
    this.#isolation = isolation;
    this.#limit = limit;
    this.#last = published;
    this.#lastCopy = payloads[0];
  }

  get length(): number {
    return this.#payloads.length;
  }

  get next(): number {
    return this.#first + this.#payloads.length;
  }

  number(index: number): number {
    return this.#first === NO_NUMBER ? NO_NUMBER : this.#first + index;
  }

  payload(index: number): unknown {
    const payload = this.#payloads[index];
    return this.#isCopied ? copyOfSnapshot(payload) : payload;
  }

  part(from: number, to: number): Batch {
    if (from === 0 && to === this.length) return this;
    return new ValueBatch(this.header, this.#first + from, this.#payloads.slice(from, to), this.#isCopied);
  }

  add(payload: unknown): Promise<void> | undefined {
    const payloads = this.#payloads;
    if (payloads.length >= this.#limit) return undefined;
    if (payload !== this.#last) {
      let copy: unknown;
      try {
        copy = this.#isolation?.take(this.header.topic, payload);
      } catch {
        // The message then begins a new batch, where the publisher gets the error.
        return undefined;
      }
      if (copy instanceof UnshareablePayload) return undefined;
      this.#last = payload;
      this.#lastCopy = copy;
    }
    payloads.push(this.#lastCopy);
    return ACCEPTED;
  }

  /** Ends the batch: further calls of `add` return `undefined`. */
  close(): void {
    this.#limit = 0;
    this.#last = undefined;
    this.#lastCopy = undefined;
  }
}
