import type { TSchema } from 'typebox';
import { copyOfSnapshot, type Isolation, UnshareablePayload } from './isolation.ts';

/** The number of a message whose id is the id prefix alone. */
export const NO_NUMBER = 2 ** 48 - 1;

/** The attributes that the messages of a batch have in common. */
export interface BatchHeader {
  readonly topic: string;
  readonly source: string;
  readonly timeMs: number;
  /** An id is this and the message's number; numbers with the same prefix are unique. */
  readonly idPrefix: string;
  /** How payloads are written where they leave the process. */
  readonly contentType: string;
  readonly traceparent: string | undefined;
  readonly replyto: string | undefined;
  /** The moment, by `performance.now()`, after which nothing awaits an answer. */
  readonly deadline: number | undefined;
  /** The schema that the payloads were checked against, so that a subscriber with the same one need not repeat it. */
  readonly checkedBy: TSchema | undefined;
}

/**
 * Messages of one publisher on one topic that follow each other: the one form in which messages travel from a publisher
 * to queues and frames. No message needs an object of its own before a handler gets it.
 */
export interface Batch {
  readonly header: BatchHeader;
  readonly length: number;
  number(index: number): number;
  /**
   * The payload for one subscription: frozen, or its own copy.
   *
   * @throws {PayloadInvalidError} @throws {DataBoundsError} when the bytes of a message cannot be decoded
   */
  payload(index: number): unknown;
  /** The messages from `from` to before `to`, which do not keep the others in memory. */
  part(from: number, to: number): Batch;
}

/** A batch that its publisher may still add to. */
export interface OpenBatch {
  readonly header: BatchHeader;
  /** The number that the next message gets. */
  readonly next: number;
  /** Adds a message. The promise settles when it has been taken; `undefined` when it was not added. */
  add(payload: unknown): Promise<void> | undefined;
}

/** Resolved: a message in a batch of this process counts as taken. */
export const TAKEN: Promise<void> = Promise.resolve();

/** A batch of values, all in one array that the subscriptions share. */
export class ValueBatch implements Batch, OpenBatch {
  readonly header: BatchHeader;
  readonly #first: number;
  readonly #payloads: unknown[];
  /** Whether each subscription gets a copy of each payload, because they cannot be frozen. */
  readonly #isCopied: boolean;
  readonly #isolation: Isolation | undefined;
  /** The payload published last, and its copy: bursts often publish one object many times. */
  #last: unknown;
  #lastCopy: unknown;
  /** How long it may become. */
  #limit: number;

  /**
   * @param first the number of the first message
   * @param limit how long it may become; 0 where nothing is added
   * @param isolation copies what is added
   * @param published the payload that the first of `payloads` is a copy of
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
        // It begins a new batch, where the publisher gets the error.
        return undefined;
      }
      if (copy instanceof UnshareablePayload) return undefined;
      this.#last = payload;
      this.#lastCopy = copy;
    }
    payloads.push(this.#lastCopy);
    return TAKEN;
  }

  /** Ends it: nothing can be added from here on. */
  close(): void {
    this.#limit = 0;
    this.#last = undefined;
    this.#lastCopy = undefined;
  }
}
