import Denque from 'denque';
import type { Call } from '../threads/calls.ts';
import type { EngineThread } from '../threads/engine-thread.ts';
import { WriteQueueFullError } from './errors.ts';

/** The largest number of statements in one commit: it amortises the fsync and bounds the latency. */
const LARGEST_GROUP = 256;
/** The number of writes that may wait in memory. */
const LONGEST_QUEUE = 100_000;

/** A waiting request for exclusive use of the writer. */
interface Exclusive {
  /** Gives the writer to the caller, which calls `release` afterwards. */
  readonly grant: (release: () => void) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The queue for the only writer. Writes that arrive during a commit share the next one; when the writer is idle, a write is sent
 * immediately. A transaction gets exclusive use of the writer when its turn comes.
 */
export class WriteQueue {
  readonly #thread: EngineThread;
  readonly #waiting = new Denque<Call | Exclusive>();
  #busy = false;
  #scheduled = false;
  #isExclusive = false;
  #afterExclusive: (() => void)[] = [];
  #drained: (() => void)[] = [];

  constructor(thread: EngineThread) {
    this.#thread = thread;
  }

  /** @throws {WriteQueueFullError} when too many writes are waiting */
  submit(call: Call): void {
    if (this.#waiting.length >= LONGEST_QUEUE) throw new WriteQueueFullError(LONGEST_QUEUE);
    this.#waiting.push(call);
    this.#schedule();
  }

  /** Resolves when the caller has exclusive use of the writer, with the function that releases it. */
  async exclusive(): Promise<() => void> {
    return await new Promise((resolve, reject) => {
      this.#waiting.push({ grant: (release) => resolve(release), reject });
      this.#schedule();
    });
  }

  /** Calls `work` at once, or as soon as the exclusive use ends: before the next use begins. */
  outsideExclusive(work: () => void): void {
    if (this.#isExclusive) this.#afterExclusive.push(work);
    else work();
  }

  /** Rejects everything that waits. */
  refuseWaiting(error: Error): void {
    const waiting = this.#waiting.toArray();
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
    this.#schedule();
  }

  /** Resolves when the queue is empty and the writer is idle. */
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
      this.#isExclusive = true;
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
      this.#isExclusive = false;
      for (const work of this.#afterExclusive.splice(0)) work();
      // The microtask runs after the callers that were just answered, so that their next writes join the next group.
      queueMicrotask(() => this.#schedule());
    };
  }
}
