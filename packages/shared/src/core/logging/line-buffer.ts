import type { LogRecord } from './types.ts';

/** A line on its way to the bus. */
export interface BufferedLine {
  readonly topic: string;
  readonly record: LogRecord;
  /** Roughly its characters. */
  readonly size: number;
}

export interface BufferLimits {
  readonly lines: number;
  /** Roughly, in characters. */
  readonly size: number;
}

/** Lines that wait for the bus, oldest first. Bounded both ways; when full, the oldest goes and is counted. */
export class LineBuffer {
  #limits: BufferLimits;
  #lines: (BufferedLine | undefined)[] = [];
  #head = 0;
  #size = 0;
  #dropped = 0;

  constructor(limits: BufferLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#lines.length - this.#head;
  }

  /** How many lines were dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  set limits(limits: BufferLimits) {
    this.#limits = limits;
    this.#shrink();
  }

  push(line: BufferedLine): void {
    this.#lines.push(line);
    this.#size += line.size;
    this.#shrink();
  }

  shift(): BufferedLine | undefined {
    const line = this.#lines[this.#head];
    if (line === undefined) return undefined;
    this.#lines[this.#head] = undefined;
    this.#head += 1;
    this.#size -= line.size;
    if (this.#head === this.#lines.length) {
      this.#lines = [];
      this.#head = 0;
    } else if (this.#head > 1_024 && this.#head * 2 > this.#lines.length) {
      this.#lines = this.#lines.slice(this.#head);
      this.#head = 0;
    }
    return line;
  }

  #shrink(): void {
    while (this.length > this.#limits.lines || (this.#size > this.#limits.size && this.length > 0)) {
      this.shift();
      this.#dropped += 1;
    }
  }
}
