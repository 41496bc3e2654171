import type { Batch } from '../messages/batch.ts';

/** The part of a batch that is still queued: the messages from `at` to before `end`. */
export interface QueuedBatch<B extends Batch = Batch> {
  readonly batch: B;
  at: number;
  end: number;
}

/** In batches shorter than this, the remaining messages are not copied out. */
const SMALL = 16;

/** A FIFO queue of messages in batches. It has no limit of its own. */
export class MessageQueue<B extends Batch = Batch> {
  #queued: (QueuedBatch<B> | undefined)[] = [];
  #first = 0;
  #length = 0;

  /** The number of queued messages. */
  get length(): number {
    return this.#length;
  }

  /** Appends the first `count` messages of `batch`. */
  push(batch: B, count: number): void {
    this.#queued.push({ batch, at: 0, end: count });
    this.#length += count;
  }

  /** The batch with the oldest message; `undefined` when the queue is empty. */
  get first(): QueuedBatch<B> | undefined {
    return this.#queued[this.#first];
  }

  /** Removes the `count` oldest messages of `first`. */
  advance(first: QueuedBatch<B>, count = 1): void {
    first.at += count;
    this.#length -= count;
    if (first.at === first.end) this.#shift();
  }

  /** Removes the `count` oldest messages. The queue must have at least as many. */
  drop(count: number): void {
    for (let left = count; left > 0; ) {
      const { first } = this;
      if (first === undefined) return;
      const taken = Math.min(left, first.end - first.at);
      left -= taken;
      this.advance(first, taken);
      if (this.first === first) this.#shrink(first);
    }
  }

  /** Removes all messages and returns their number. */
  clear(): number {
    const length = this.#length;
    this.#queued = [];
    this.#first = 0;
    this.#length = 0;
    return length;
  }

  #shift(): void {
    this.#first += 1;
    if (this.#first === this.#queued.length) {
      this.#queued = [];
      this.#first = 0;
    } else if (this.#first >= 1_024 && this.#first * 2 > this.#queued.length) {
      this.#queued.splice(0, this.#first);
      this.#first = 0;
    } else {
      // Allows the batch to be garbage-collected.
      this.#queued[this.#first - 1] = undefined;
    }
  }

  /** Replaces a long batch of which few messages remain by a copy of these, so that the others can be freed. */
  #shrink({ batch, at, end }: QueuedBatch<B>): void {
    const left = end - at;
    if (batch.length < SMALL || left * 2 > batch.length) return;
    // `part` returns a batch of the same class.
    this.#queued[this.#first] = { batch: batch.part(at, end) as B, at: 0, end: left };
  }
}
