import Denque from 'denque';
import { LEVEL_NUMBERS } from './levels.ts';
import type { LogRecord } from './types.ts';

/** A line that waits to be stored. */
export interface QueuedLine {
  /** Counts the lines of the queue from 1 on. */
  readonly number: number;
  readonly record: LogRecord;
  /** The topic it is published on; `undefined` for a line that is kept off the bus. */
  readonly topic: string | undefined;
  /** Roughly its characters. */
  readonly size: number;
  /** Whether the spool has it. */
  isSpooled: boolean;
  /** The line as it is kept, once it has been written somewhere. */
  text: string | undefined;
}

/** The bounds of the queue that lines of the log wait in. */
export interface QueueLimits {
  readonly lines: number;
  /** Roughly, in characters. */
  readonly size: number;
}

/** A gap in the log. */
export interface DroppedLines {
  readonly dropped: number;
  /** Those of level `warn` and above among them. */
  readonly severe: number;
  /** When the first and the last of them were logged, in milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
}

/**
 * The one queue between a logger and the table of log lines, bounded in lines and in size. When it is full, the oldest lines
 * below `warn` are dropped, then the oldest of all, and each is counted. Lines keep their order. Those at the front that were
 * {@link release}d have been published, and may be taken to be stored.
 */
export class LineQueue {
  readonly #limits: QueueLimits;
  #lines = new Denque<QueuedLine>();
  /** The lines that were taken last, until it is known whether they are stored. */
  #taken: readonly QueuedLine[] = [];
  #last = 0;
  #size = 0;
  /** Lines below `warn`. */
  #belowWarn = 0;
  #released = 0;
  #dropped = 0;
  #gap: DroppedLines | undefined;
  #onRelease: (() => void) | undefined;
  #onGap: ((gap: DroppedLines) => void) | undefined;
  #onStored: ((through: number) => void) | undefined;
  #room: PromiseWithResolvers<void> | undefined;

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

  /** How many lines may be taken. */
  get released(): number {
    return this.#released;
  }

  /** Resolves when at most a quarter of the queue is used; `undefined` if it is so already. */
  get room(): Promise<void> | undefined {
    if (!this.#isOver(this.length, CROWDED)) return undefined;
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  /** The number of the oldest line that is not known to be stored or dropped; infinite when there is none. */
  get oldest(): number {
    return (this.#taken[0] ?? this.#lines.peekFront())?.number ?? Number.POSITIVE_INFINITY;
  }

  /** The number of the newest line that was released; 0 when there is none. */
  get lastReleased(): number {
    const inQueue = this.#released === 0 ? undefined : this.#lines.peekAt(this.#released - 1);
    return (inQueue ?? this.#taken.at(-1))?.number ?? 0;
  }

  /** The number of the newest line. */
  get last(): number {
    return this.#last;
  }

  push(record: LogRecord, topic: string | undefined, size: number): QueuedLine {
    this.#last += 1;
    const line = { number: this.#last, record, topic, size, isSpooled: false, text: undefined };
    this.#lines.push(line);
    this.#count(line, 1);
    if (this.#isOver()) this.#shrink();
    return line;
  }

  /** The lines that are not stored, with numbers above `after` and up to `through`. */
  *waiting(after: number, through: number): Generator<QueuedLine> {
    for (const line of this.#taken) if (line.number > after && line.number <= through) yield line;
    for (let index = this.#firstAfter(after); index < this.length; index += 1) {
      const line = this.#lines.peekAt(index);
      if (line === undefined || line.number > through) return;
      yield line;
    }
  }

  /** The line that has `offset` others before it which are not released either. */
  peekUnreleased(offset: number): QueuedLine | undefined {
    return this.#lines.peekAt(this.#released + offset);
  }

  /** Lets that many more lines be taken. */
  release(count: number): void {
    this.#released = Math.min(this.#released + count, this.length);
    if (this.#released > 0) this.#onRelease?.();
  }

  /** Calls `listener` whenever lines were released. There is one listener at a time; the returned function removes it. */
  listen(listener: () => void): () => void {
    this.#onRelease = listener;
    return () => {
      if (this.#onRelease === listener) this.#onRelease = undefined;
    };
  }

  /** Takes the oldest released lines: at least one, if there is one, and no more than the limits allow. */
  take({ lines, size }: QueueLimits): readonly QueuedLine[] {
    const taken: QueuedLine[] = [];
    let total = 0;
    for (let left = Math.min(lines, this.#released); left > 0; left -= 1) {
      const next = this.#lines.peekFront();
      total += next?.size ?? 0;
      if (next === undefined || (taken.length > 0 && total > size)) break;
      taken.push(next);
      this.#lines.shift();
      this.#count(next, -1);
      this.#released -= 1;
    }
    this.#taken = taken;
    return taken;
  }

  /** Puts lines back that were taken last and could not be stored. */
  putBack(lines: readonly QueuedLine[]): void {
    this.#taken = [];
    for (const line of lines.toReversed()) {
      this.#lines.unshift(line);
      this.#count(line, 1);
    }
    this.#released += lines.length;
    if (this.#isOver()) this.#shrink();
  }

  /** Confirms that the lines taken last are stored, which makes room for a line that reports dropped ones. */
  confirm(): void {
    const newest = this.#taken.at(-1);
    this.#taken = [];
    if (newest !== undefined) this.#onStored?.(newest.number);
    if (this.#room !== undefined && !this.#isOver(this.length, CROWDED)) {
      this.#room.resolve();
      this.#room = undefined;
    }
    const gap = this.#gap;
    if (gap === undefined || this.length >= this.#limits.lines) return;
    this.#gap = undefined;
    this.#onGap?.(gap);
  }

  /** Calls `listener` with the lines that were dropped, when it can be logged that they were. */
  onGap(listener: (gap: DroppedLines) => void): void {
    this.#onGap = listener;
  }

  /** Calls `listener` with the number of the newest line that is stored, whenever lines were. The older ones are stored or dropped. */
  onStored(listener: ((through: number) => void) | undefined): void {
    this.#onStored = listener;
  }

  /** The index of the first line with a number above `number`. */
  #firstAfter(number: number): number {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#lines.peekAt(middle)?.number ?? 0) > number) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #isOver(lines = this.length, slack = 0): boolean {
    const { lines: most, size } = this.#limits;
    return lines > most - Math.floor(most * slack) || (this.#size > size * (1 - slack) && lines > 0);
  }

  #shrink(): void {
    const last = this.#lines.peekBack();
    // The newest alone could go: looking for it among all others would cost as much as there are.
    if (this.#belowWarn === 1 && last !== undefined && isBelowWarn(last)) {
      this.#lines.pop();
      this.#drop(last, this.#released > this.length);
    }
    if (this.#belowWarn > 0 && this.#isOver()) this.#dropBelowWarn();
    while (this.#isOver()) {
      const line = this.#lines.shift();
      if (line !== undefined) this.#drop(line, this.#released > 0);
    }
  }

  /** Makes room for more than one line, so that a queue which stays full is not looked through for each. */
  #dropBelowWarn(): void {
    const kept: QueuedLine[] = [];
    const { length, released } = this;
    for (const [index, line] of this.#lines.toArray().entries()) {
      const left = length - (index - kept.length);
      if (isBelowWarn(line) && this.#isOver(left, SLACK)) this.#drop(line, index < released);
      else kept.push(line);
    }
    this.#lines = new Denque(kept);
  }

  #drop(line: QueuedLine, wasReleased: boolean): void {
    const { time } = line.record;
    this.#count(line, -1);
    if (wasReleased) this.#released -= 1;
    this.#dropped += 1;
    const { dropped, severe, from, to } = this.#gap ?? { dropped: 0, severe: 0, from: time, to: time };
    this.#gap = {
      dropped: dropped + 1,
      severe: severe + (isBelowWarn(line) ? 0 : 1),
      from: Math.min(from, time),
      to: Math.max(to, time),
    };
  }

  #count(line: QueuedLine, change: 1 | -1): void {
    this.#size += change * line.size;
    if (isBelowWarn(line)) this.#belowWarn += change;
  }
}

/** The part of the queue that must be free while lines of other processes come. */
const CROWDED = 3 / 4;

/** The part of a full queue that is freed at once. */
const SLACK = 1 / 32;

/** Whether a line is below `warn`. */
export function isBelowWarn({ record }: Pick<QueuedLine, 'record'>): boolean {
  return LEVEL_NUMBERS[record.level] < LEVEL_NUMBERS.warn;
}
