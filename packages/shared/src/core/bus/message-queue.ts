import type { MessageHead } from './message.ts';

const SMALLEST = 16;

/** What a queue keeps once it is empty; a larger one, left by a flood, is given back. */
const LARGEST_KEPT = 4_096;

/**
 * First in, first out; the caller bounds it. No object is made for a message, and the places are emptied together,
 * when the queue is: emptying each at its turn costs as much as everything else here.
 */
export class MessageQueue {
  #heads: (MessageHead | undefined)[] = [];
  #payloads: unknown[] = [];
  #sequences = new Float64Array(0);
  #capacity = 0;
  #first = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#first;
  }

  push(head: MessageHead, sequence: number, payload: unknown): void {
    if (this.#end === this.#capacity) this.#makeRoom();
    const at = this.#end;
    this.#heads[at] = head;
    this.#payloads[at] = payload;
    this.#sequences[at] = sequence;
    this.#end = at + 1;
  }

  /** The head of the oldest message; `undefined` when there is none. */
  get head(): MessageHead | undefined {
    return this.#heads[this.#first];
  }

  get sequence(): number {
    return this.#sequences[this.#first] ?? 0;
  }

  get payload(): unknown {
    return this.#payloads[this.#first];
  }

  /** Takes the oldest message away; there is one. */
  advance(): void {
    this.#first += 1;
    if (this.#first === this.#end) this.clear();
  }

  /** Empties it and says how many there were. */
  clear(): number {
    const { length } = this;
    if (this.#capacity > LARGEST_KEPT) this.#resize(SMALLEST);
    this.#heads.fill(undefined, 0, this.#end);
    this.#payloads.fill(undefined, 0, this.#end);
    this.#first = 0;
    this.#end = 0;
    return length;
  }

  /** Moves what waits to the front, into twice the room if it fills more than half. */
  #makeRoom(): void {
    const { length } = this;
    const heads = this.#heads.slice(this.#first);
    const payloads = this.#payloads.slice(this.#first);
    const sequences = this.#sequences.slice(this.#first);
    this.#resize(length * 2 >= this.#capacity ? Math.max(SMALLEST, this.#capacity * 2) : this.#capacity);
    for (let at = 0; at < length; at += 1) {
      this.#heads[at] = heads[at];
      this.#payloads[at] = payloads[at];
    }
    this.#sequences.set(sequences);
    this.#first = 0;
    this.#end = length;
  }

  #resize(capacity: number): void {
    this.#heads = new Array<undefined>(capacity).fill(undefined);
    this.#payloads = new Array<undefined>(capacity).fill(undefined);
    this.#sequences = new Float64Array(capacity);
    this.#capacity = capacity;
  }
}
