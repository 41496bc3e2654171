import Denque from 'denque';
import type { LogRecord } from './types.ts';

/** A line that waits to be stored. */
export interface QueuedLine {
  readonly record: LogRecord;
  /** The topic it is published on; `undefined` for a line that is kept off the bus. */
  readonly topic: string | undefined;
  /** Roughly its characters. */
  readonly size: number;
}

export interface QueueLimits {
  readonly lines: number;
  /** Roughly, in characters. */
  readonly size: number;
}

/**
 * The one queue between a logger and the table of log lines, bounded in lines and in size: when it is full, the oldest line
 * is dropped and counted. Lines are numbered in their order. Those before {@link releasedTo} have been published, and may be
 * taken to be stored.
 */
export class LineQueue {
  readonly #limits: QueueLimits;
  readonly #lines = new Denque<QueuedLine>();
  #size = 0;
  #first = 0;
  #releasedTo = 0;
  #dropped = 0;
  #onRelease: (() => void) | undefined;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#lines.length;
  }

  /** How many lines were dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The number of the first line that is not to be taken yet. */
  get releasedTo(): number {
    return Math.max(this.#releasedTo, this.#first);
  }

  /** How many lines may be taken. */
  get released(): number {
    return this.releasedTo - this.#first;
  }

  push(line: QueuedLine): void {
    this.#lines.push(line);
    this.#size += line.size;
    this.#shrink();
  }

  /** The line of that number, if it is still there. */
  at(number: number): QueuedLine | undefined {
    return number < this.#first ? undefined : this.#lines.peekAt(number - this.#first);
  }

  /** Lets the lines before that number be taken. */
  release(to: number): void {
    this.#releasedTo = Math.min(to, this.#first + this.length);
    if (this.released > 0) this.#onRelease?.();
  }

  /** Calls `listener` whenever lines were released. There is one at a time; the returned function takes it away. */
  listen(listener: () => void): () => void {
    this.#onRelease = listener;
    return () => {
      if (this.#onRelease === listener) this.#onRelease = undefined;
    };
  }

  /** Takes the oldest released lines: one at least, if there is one, and no more than the limits allow. */
  take({ lines, size }: QueueLimits): readonly QueuedLine[] {
    const taken: QueuedLine[] = [];
    let total = 0;
    for (let left = Math.min(lines, this.released); left > 0; left -= 1) {
      const next = this.#lines.peekFront();
      total += next?.size ?? 0;
      if (next === undefined || (taken.length > 0 && total > size)) break;
      taken.push(next);
      this.#shift();
    }
    return taken;
  }

  /** Puts lines back that were taken last and could not be stored. */
  putBack(lines: readonly QueuedLine[]): void {
    for (const line of lines.toReversed()) {
      this.#lines.unshift(line);
      this.#size += line.size;
    }
    this.#first -= lines.length;
    this.#shrink();
  }

  #shift(): void {
    this.#size -= this.#lines.shift()?.size ?? 0;
    this.#first += 1;
  }

  #shrink(): void {
    while (this.length > this.#limits.lines || (this.#size > this.#limits.size && this.length > 0)) {
      this.#shift();
      this.#dropped += 1;
    }
  }
}
