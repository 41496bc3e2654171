import type { Call } from '../threads/calls.ts';
import type { EngineThread, Unanswered } from '../threads/engine-thread.ts';

/**
 * How many statements a batch carries, and how many batches a thread may have at once. While it works on one, the other
 * travels: measured, 32 beats both 16 (more messages) and 64 (both sides wait for each other).
 */
const BATCH = 32;
const IN_FLIGHT = 2;

/** A reader thread, and the batches of the pool that it has not answered. */
interface Reader {
  readonly thread: EngineThread;
  inFlight: number;
}

/**
 * Spreads reads over the reader threads. Nothing waits while a thread is free; under load reads travel together.
 *
 * The pool counts its own batches and nothing else: whatever fills a reader's count also schedules the pool when it
 * empties it. Transactions and streams use the same threads and must not take part in that count.
 */
export class ReadPool {
  #readers: readonly Reader[];
  #waiting: Call[] = [];
  #scheduled = false;
  #drained: (() => void)[] = [];
  #running = 0;

  constructor(threads: readonly EngineThread[]) {
    if (threads.length === 0) throw new RangeError('a database has at least one reader');
    this.#readers = threads.map((thread) => ({ thread, inFlight: 0 }));
  }

  get threads(): readonly EngineThread[] {
    return this.#readers.map(({ thread }) => thread);
  }

  /** Whether anything waits for `thread` besides the statement that it runs. */
  isHeldUpBy(thread: EngineThread): boolean {
    return (
      this.#readers.some((reader) => reader.thread === thread) &&
      (thread.owed > 1 || this.#waiting.length > 0)
    );
  }

  /** Puts `next` in the place of a thread that is slow or was given up, and has it do what waited behind the statement. */
  exchange(old: EngineThread, next: EngineThread, { calls, operations }: Unanswered): void {
    // Not the same object: the batches that `old` has yet to answer are no longer counted here.
    this.#readers = this.#readers.map((reader) =>
      reader.thread === old ? { thread: next, inFlight: 0 } : reader,
    );
    this.#waiting = [...calls, ...this.#waiting];
    for (const operation of operations) next.takeOver(operation);
    this.#schedule();
  }

  submit(call: Call): void {
    this.#waiting.push(call);
    this.#schedule();
  }

  /** The thread with the least to do. */
  leastBusy(): EngineThread {
    return this.#readers.reduce((best, reader) =>
      reader.thread.unanswered < best.thread.unanswered ? reader : best,
    ).thread;
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
      const reader = this.#free();
      if (reader === undefined) break;
      const calls = this.#waiting.slice(sent, sent + BATCH);
      sent += calls.length;
      this.#running += 1;
      reader.inFlight += 1;
      reader.thread.batch(0, calls, reader.thread.layouts, () => {
        this.#running -= 1;
        reader.inFlight -= 1;
        this.#closeIfExchanged(reader);
        if (this.#waiting.length > 0) this.#schedule();
        else if (this.#running === 0) for (const resolve of this.#drained.splice(0)) resolve();
      });
    }
    if (sent > 0) this.#waiting = this.#waiting.slice(sent);
  }

  /** A thread that was exchanged while it ran a slow statement ends with it. */
  #closeIfExchanged({ thread, inFlight }: Reader): void {
    if (inFlight > 0 || thread.isGivenUp || this.threads.includes(thread)) return;
    void thread.close().catch(() => undefined);
  }

  /** The reader with the fewest batches of the pool, when it has room for one more. */
  #free(): Reader | undefined {
    let best: Reader | undefined;
    for (const reader of this.#readers)
      if (reader.inFlight < IN_FLIGHT && (best === undefined || reader.inFlight < best.inFlight))
        best = reader;
    return best;
  }
}
