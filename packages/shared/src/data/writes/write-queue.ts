import Denque from 'denque';
import { WriteQueueFullError } from '../errors.ts';
import type { Call } from '../threads/calls.ts';
import type { EngineThread } from '../threads/engine-thread.ts';

/** The most statements that share one commit: enough to hide the fsync, few enough that none waits long. */
const LARGEST_GROUP = 256;
/** Writes that may wait in memory. */
const LONGEST_QUEUE = 100_000;

/** Waits to have the writer alone. */
interface Exclusive {
  /** The writer is the caller's; it calls `release` when done with it. */
  readonly grant: (release: () => void) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The order in which the one writer is used. Writes that arrive while a commit is under way go together into the next;
 * when the writer is idle a write leaves at once. A transaction has the writer for itself in its turn.
 */
export class WriteQueue {
  readonly #thread: EngineThread;
  readonly #waiting = new Denque<Call | Exclusive>();
  #busy = false;
  #scheduled = false;
  #drained: (() => void)[] = [];

  constructor(thread: EngineThread) {
    this.#thread = thread;
  }

  /** @throws {WriteQueueFullError} when far more is waiting than can be written soon */
  submit(call: Call): void {
    if (this.#waiting.length >= LONGEST_QUEUE) throw new WriteQueueFullError(LONGEST_QUEUE);
    this.#waiting.push(call);
    this.#schedule();
  }

  /** Resolves when the writer is the caller's alone, with the function that gives it back. */
  async exclusive(): Promise<() => void> {
    return await new Promise((resolve, reject) => {
      this.#waiting.push({ grant: (release) => resolve(release), reject });
      this.#schedule();
    });
  }

  /** Refuses all that waits, at once: the writer will take nothing more. */
  refuseWaiting(error: Error): void {
    const waiting = this.#waiting.toArray();
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
    this.#schedule();
  }

  /** Resolves when everything that waited has been done. */
  async drain(): Promise<void> {
    if (!this.#busy && this.#waiting.isEmpty()) return;
    await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  #schedule(): void {
    if (this.#busy || this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => this.#next());
  }

  #next(): void {
    this.#scheduled = false;
    if (this.#busy) return;
    const next = this.#waiting.peekFront();
    if (next === undefined) {
      for (const resolve of this.#drained.splice(0)) resolve();
      return;
    }
    this.#busy = true;
    if ('grant' in next) {
      this.#waiting.shift();
      next.grant(this.#releaseOnce());
    } else this.#thread.batch(0, this.#takeGroup(), this.#thread.layouts, this.#releaseOnce());
  }

  #takeGroup(): Call[] {
    const group: Call[] = [];
    while (group.length < LARGEST_GROUP) {
      const call = this.#waiting.peekFront();
      if (call === undefined || 'grant' in call) break;
      group.push(call);
      this.#waiting.shift();
    }
    return group;
  }

  #releaseOnce(): () => void {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#busy = false;
      // Behind the callers that were just answered: what they ask for next joins the next group.
      queueMicrotask(() => this.#schedule());
    };
  }
}
