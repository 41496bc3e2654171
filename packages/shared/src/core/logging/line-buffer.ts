import Denque from 'denque';
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
  readonly #lines = new Denque<BufferedLine>();
  #size = 0;
  #dropped = 0;

  constructor(limits: BufferLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#lines.length;
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
    const line = this.#lines.shift();
    this.#size -= line?.size ?? 0;
    return line;
  }

  #shrink(): void {
    while (this.length > this.#limits.lines || (this.#size > this.#limits.size && this.length > 0)) {
      this.shift();
      this.#dropped += 1;
    }
  }
}
