import { isBelowWarn, type LineQueue, type QueuedLine } from './line-queue.ts';
import { gapWith, type SpooledGap } from './spooled-lines.ts';
import { storedTexts } from './stored-line.ts';

/** A text that is kept until the lines with numbers from `first` to `last` are stored. */
export interface JournalEntry {
  readonly first: number;
  readonly last: number;
  readonly text: string;
}

/** Where lines outlive the process: the `SealedSpool` of `@aico/shared/security`. */
export interface LineJournal {
  /** Writes an entry, unless it would fill more than `share` of the allowed size. */
  append(entry: JournalEntry, share: number): boolean;
  /** Replaces the entry that was written last by a later state of it. */
  amend(entry: JournalEntry): void;
  /** Every line up to `through` is stored. */
  release(through: number): void;
  close(): void;
}

/** Milliseconds between two checks of the lines that wait: each line is spooled by the second check after it was logged. */
const CHECK_MS = 40;
/** The age in milliseconds at which a waiting line is spooled by the next one that is logged: the checks are late then. */
const OVERDUE_MS = 90;
/** Lines of one entry. */
const CHUNK = 256;
/** The share of the spool that lines below `warn` may fill. */
const SHARE_BELOW_WARN = 3 / 4;

/**
 * Writes lines that wait to be stored to a journal, so that they outlive the process: those of `warn` and above before the call
 * that logs them returns, others unless they are stored within about 90 ms. A full journal takes no further lines, and a record
 * of how many there were.
 */
export class LineSpool {
  readonly #queue: LineQueue;
  readonly #journal: LineJournal;
  readonly #onFailure: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  /** Lines up to this number are spooled, stored, or part of a gap. */
  #through = 0;
  /** The newest line at the last check. */
  #seen = 0;
  /** The time of the first line after the last check. */
  #since: number | undefined;
  /** The time of the first line between the last two checks, unless these lines are stored. */
  #before: number | undefined;
  /** When the next check is due, in monotonic milliseconds. */
  #due = 0;
  /** Lines that the full journal did not take, since the last line that it took. */
  #gap: SpooledGap | undefined;
  #hasFailed = false;

  /** @param onFailure is called with the first error of several in a row; the lines remain in the queue */
  constructor(queue: LineQueue, journal: LineJournal, onFailure: (error: unknown) => void) {
    this.#queue = queue;
    this.#journal = journal;
    this.#onFailure = onFailure;
    queue.onStored((through) => this.#release(through));
    this.#spool(queue.last);
  }

  /** Must be called with each line that is logged, after it was queued. */
  add(line: QueuedLine): void {
    if (!isBelowWarn(line)) {
      this.#write([line]);
      return;
    }
    const { time } = line.record;
    if (this.#timer === undefined) this.#checkLater();
    this.#since ??= time;
    if (time - (this.#before ?? this.#since) <= OVERDUE_MS) return;
    this.#before = undefined;
    this.#since = time;
    this.#spool(this.#queue.last);
  }

  /** Spools the lines that wait, and closes the journal. */
  close(): void {
    clearTimeout(this.#timer);
    this.#queue.onStored(undefined);
    this.#spool(this.#queue.last);
    this.#journal.close();
  }

  #checkLater(): void {
    this.#due = performance.now() + CHECK_MS;
    this.#timer = setTimeout(() => this.#check(), CHECK_MS).unref();
  }

  #check(): void {
    this.#timer = undefined;
    // A check that is late, since the event loop was blocked or the process was not scheduled, counts as the second for every line.
    if (performance.now() - this.#due > CHECK_MS) this.#seen = this.#queue.last;
    this.#spool(this.#seen);
    // A process that is not scheduled for a while after this check may log the next line before its timers are due.
    this.#before = this.#since;
    this.#since = undefined;
    this.#seen = this.#queue.last;
    if (this.#queue.waiting(this.#through, this.#seen).next().done !== true) this.#checkLater();
    else this.#before = undefined;
  }

  /** Spools the lines up to that number. */
  #spool(through: number): void {
    let chunk: QueuedLine[] = [];
    for (const line of this.#queue.waiting(this.#through, through)) {
      if (line.isSpooled) continue;
      chunk.push(line);
      if (chunk.length < CHUNK) continue;
      if (!this.#write(chunk)) return;
      chunk = [];
    }
    if (chunk.length > 0 && !this.#write(chunk)) return;
    this.#through = Math.max(this.#through, through);
  }

  #write(lines: readonly QueuedLine[]): boolean {
    return this.#try(() => {
      const first = lines[0]?.number ?? 0;
      const last = lines.at(-1)?.number ?? first;
      const share = lines.every(isBelowWarn) ? SHARE_BELOW_WARN : 1;
      if (this.#journal.append({ first, last, text: storedTexts(lines) }, share)) this.#gap = undefined;
      else {
        const gap = gapWith(this.#gap, lines);
        const state = { first: gap.first, last: gap.last, text: JSON.stringify(gap) };
        if (this.#gap === undefined) this.#journal.append(state, Number.POSITIVE_INFINITY);
        else this.#journal.amend(state);
        this.#gap = gap;
      }
      for (const line of lines) line.isSpooled = true;
    });
  }

  #release(through: number): void {
    this.#through = Math.max(this.#through, through);
    if (through >= this.#seen) this.#before = undefined;
    if (this.#gap !== undefined && this.#gap.last <= through) this.#gap = undefined;
    this.#try(() => this.#journal.release(through));
  }

  /** Calls `work` and returns whether it succeeded. Logging a line does not fail when the disk does. */
  #try(work: () => void): boolean {
    try {
      work();
      this.#hasFailed = false;
      return true;
    } catch (error) {
      const isFirst = !this.#hasFailed;
      this.#hasFailed = true;
      if (isFirst) this.#onFailure(error);
      return false;
    }
  }
}
