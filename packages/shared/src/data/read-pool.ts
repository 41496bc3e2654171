import type { Call, EngineThread } from './engine-thread.ts';

/**
 * How many statements a batch carries, and how many batches a thread may have at once. While it works on one, the other
 * travels: measured, 32 beats both 16 (more messages) and 64 (both sides wait for each other).
 */
const BATCH = 32;
const IN_FLIGHT = 2;

/** Spreads reads over the reader threads. Nothing waits while a thread is free; under load reads travel together. */
export class ReadPool {
  readonly #threads: readonly EngineThread[];
  #waiting: Call[] = [];
  #scheduled = false;
  #drained: (() => void)[] = [];
  #running = 0;

  constructor(threads: readonly EngineThread[]) {
    this.#threads = threads;
  }

  submit(call: Call): void {
    this.#waiting.push(call);
    this.#schedule();
  }

  /** The thread with the least to do. */
  leastBusy(): EngineThread {
    let best = this.#threads[0];
    for (const thread of this.#threads)
      if (best === undefined || thread.batchesInFlight < best.batchesInFlight) best = thread;
    if (best === undefined) throw new RangeError('a database has at least one reader');
    return best;
  }

  /** Resolves when all that was submitted has been answered. */
  async drain(): Promise<void> {
    if (this.#waiting.length === 0 && this.#running === 0) return;
    await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  /** At the end of this turn, so that callers of the same turn travel together; that is no wait for anything. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => this.#send());
  }

  #send(): void {
    this.#scheduled = false;
    let sent = 0;
    while (sent < this.#waiting.length) {
      const thread = this.leastBusy();
      if (thread.batchesInFlight >= IN_FLIGHT) break;
      const calls = this.#waiting.slice(sent, sent + BATCH);
      sent += calls.length;
      this.#running += 1;
      thread.batch(0, calls, thread.layouts, () => {
        this.#running -= 1;
        if (this.#waiting.length > 0) this.#schedule();
        else if (this.#running === 0) for (const resolve of this.#drained.splice(0)) resolve();
      });
    }
    if (sent > 0) this.#waiting = this.#waiting.slice(sent);
  }
}
