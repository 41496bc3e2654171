/** First in, first out, of bounded length; grows as needed and never allocates per item. */
export class MessageQueue<T> {
  readonly #limit: number;
  #ring: (T | undefined)[];
  #mask: number;
  #head = 0;
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
    this.#ring = new Array<T | undefined>(8).fill(undefined);
    this.#mask = 7;
  }

  get length(): number {
    return this.#length;
  }

  get full(): boolean {
    return this.#length >= this.#limit;
  }

  /** The caller has seen to it that the queue is not full. */
  push(item: T): void {
    if (this.#length === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.#length) & this.#mask] = item;
    this.#length += 1;
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & this.#mask;
    this.#length -= 1;
    return item;
  }

  /** Empties it and says how many there were. */
  clear(): number {
    const { length } = this;
    this.#ring = new Array<T | undefined>(8).fill(undefined);
    this.#mask = 7;
    this.#head = 0;
    this.#length = 0;
    return length;
  }

  #grow(): void {
    const items = [...this.#ring.slice(this.#head), ...this.#ring.slice(0, this.#head)];
    this.#ring = [...items, ...new Array<T | undefined>(items.length).fill(undefined)];
    this.#mask = this.#ring.length - 1;
    this.#head = 0;
  }
}
