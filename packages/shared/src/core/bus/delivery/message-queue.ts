import type { Batch } from '../messages/batch.ts';

/** The part of a batch that is still queued: the messages from `at` to before `end`. */
export interface QueuedBatch<B extends Batch = Batch> {
  readonly batch: B;
  at: number;
  end: number;
}

/** Below this many messages, what is left of a batch is not worth copying out of it. */
const SMALL = 16;

/** First in, first out, in batches; the caller bounds it. */
export class MessageQueue<B extends Batch = Batch> {
  #queued: (QueuedBatch<B> | undefined)[] = [];
  #first = 0;
  #length = 0;

  /** How many messages there are. */
  get length(): number {
    return this.#length;
  }

  /** Takes in the first `count` messages of `batch`. */
  push(batch: B, count: number): void {
    this.#queued.push({ batch, at: 0, end: count });
    this.#length += count;
  }

  /** The batch with the oldest message; `undefined` when there is none. It has at least one message left. */
  get first(): QueuedBatch<B> | undefined {
    return this.#queued[this.#first];
  }

  /** Takes the `count` oldest messages of `first` away. */
  advance(first: QueuedBatch<B>, count = 1): void {
    first.at += count;
    this.#length -= count;
    if (first.at === first.end) this.#shift();
  }

  /** Takes the `count` oldest messages away; there are so many. */
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

  /** Empties it and says how many messages there were. */
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
      // So that the batch can be collected.
      this.#queued[this.#first - 1] = undefined;
    }
  }

  /** Does not keep a long batch in memory for the few messages left of it. */
  #shrink({ batch, at, end }: QueuedBatch<B>): void {
    const left = end - at;
    if (batch.length < SMALL || left * 2 > batch.length) return;
    // A part of a batch is a batch of the same kind.
    this.#queued[this.#first] = { batch: batch.part(at, end) as B, at: 0, end: left };
  }
}
