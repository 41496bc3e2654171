import { READS_OF_WRITER } from '../engine/wire.ts';
import type { Call } from '../threads/calls.ts';
import type { EngineThread, Unanswered } from '../threads/engine-thread.ts';

/**
 * The number of statements in a batch, and of batches that a thread has in flight: it runs one while the other is transferred.
 * Measured, 32 is faster than 16 (more messages) and than 64 (both sides wait for each other).
 */
const BATCH = 32;
const IN_FLIGHT = 2;

/** The number of reads that the writer answers before the readers are started, and the time in milliseconds that it has. */
const READS_BEFORE_READERS = 32;
const WRITER_ANSWERS_MS = 100;

interface ReadPoolOptions {
  readonly writer: EngineThread;
  /** Calls `work` at once, or when the transaction that has the writer ends. */
  readonly outsideTransactions: (work: () => void) => void;
  readonly startReaders: () => readonly EngineThread[];
}

/** A reader thread and the number of the pool's batches that it has in flight. */
interface Reader {
  readonly thread: EngineThread;
  inFlight: number;
}

/**
 * Distributes reads over the reader threads. A read does not wait while a thread is idle; under load, reads are sent in batches.
 *
 * A thread takes memory and time to start. So the writer answers the first reads, and the readers are started when there have
 * been many reads, when one may take long, or when the writer is busy.
 *
 * `inFlight` counts only batches of the pool, since only their replies make the pool send again. Other operations on the same
 * threads must not change it.
 */
export class ReadPool {
  readonly #options: ReadPoolOptions;
  /** Empty until they are needed. */
  #readers: readonly Reader[] = [];
  #readsOfWriter = 0;
  /** Reads that were sent to the writer. */
  readonly #asked = new WeakSet<Call>();
  #waiting: Call[] = [];
  #scheduled = false;
  #drained: (() => void)[] = [];
  #running = 0;

  constructor(options: ReadPoolOptions) {
    this.#options = options;
  }

  get threads(): readonly EngineThread[] {
    return this.#readers.map(({ thread }) => thread);
  }

  /** Whether calls wait for `thread`, apart from the statement that it runs. */
  isHeldUpBy(thread: EngineThread): boolean {
    return (
      this.#readers.some((reader) => reader.thread === thread) &&
      (thread.owed > 1 || this.#waiting.length > 0)
    );
  }

  /** Replaces a thread with a slow or overdue statement by `next`, which takes over the waiting calls and operations. */
  exchange(old: EngineThread, next: EngineThread, { calls, operations }: Unanswered): void {
    // A new object is needed, because batches of `old` that are still in flight must not be counted for `next`.
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

  /** The thread with the fewest unanswered messages. Before there are readers it is the writer, if that is idle. */
  leastBusy(): EngineThread {
    const { writer } = this.#options;
    if (this.#readers.length === 0 && writer.unanswered === 0) return writer;
    this.#startReaders();
    return this.#readers.reduce((best, reader) =>
      reader.thread.unanswered < best.thread.unanswered ? reader : best,
    ).thread;
  }

  /** Resolves when all that was submitted has been answered. */
  async drain(): Promise<void> {
    if (this.#waiting.length === 0 && this.#running === 0) return;
    await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  /** Sends at the end of this turn of the event loop, so that calls of the same turn share a batch. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => this.#send());
  }

  #send(): void {
    this.#scheduled = false;
    if (this.#waiting.length === 0) return;
    if (this.#readers.length === 0) {
      if (this.#mayAskWriter()) {
        this.#askWriter();
        return;
      }
      this.#startReaders();
    }
    let sent = 0;
    while (sent < this.#waiting.length) {
      const reader = this.#free();
      if (reader === undefined) break;
      const calls = this.#waiting.slice(sent, sent + BATCH);
      sent += calls.length;
      this.#running += 1;
      reader.inFlight += 1;
      reader.thread.batch(0, calls, reader.thread.layouts, () => {
        reader.inFlight -= 1;
        this.#closeIfExchanged(reader);
        this.#noteAnswer();
      });
    }
    if (sent > 0) this.#waiting = this.#waiting.slice(sent);
  }

  #noteAnswer(): void {
    this.#running -= 1;
    if (this.#waiting.length > 0) this.#schedule();
    else if (this.#running === 0) for (const resolve of this.#drained.splice(0)) resolve();
  }

  #startReaders(): void {
    if (this.#readers.length > 0) return;
    this.#readers = this.#options.startReaders().map((thread) => ({ thread, inFlight: 0 }));
  }

  #mayAskWriter(): boolean {
    const reads = this.#readsOfWriter + this.#waiting.length;
    return reads <= READS_BEFORE_READERS && !this.#waiting.some((call) => this.#asked.has(call));
  }

  #askWriter(): void {
    const { writer, outsideTransactions } = this.#options;
    const calls = this.#waiting;
    this.#waiting = [];
    this.#readsOfWriter += calls.length;
    for (const call of calls) this.#asked.add(call);
    this.#running += 1;
    let state: 'waiting' | 'sent' | 'late' = 'waiting';
    const timer = setTimeout(() => {
      const wasSent = state === 'sent';
      state = 'late';
      writer.ignore(calls);
      this.#startReaders();
      // Copies, since the writer would ignore its answer to a call that turns out to write and comes back.
      this.#waiting.push(...calls.map((call) => ({ ...call })));
      this.#schedule();
      if (!wasSent) this.#noteAnswer();
    }, WRITER_ANSWERS_MS);
    // A transaction that has the writer is usually short. Within it the writer would refuse the reads.
    outsideTransactions(() => {
      if (state === 'late') return;
      state = 'sent';
      writer.batch(READS_OF_WRITER, calls, writer.layouts, () => {
        clearTimeout(timer);
        this.#noteAnswer();
      });
    });
  }

  /** Closes a thread that was replaced, once its slow statement has ended. */
  #closeIfExchanged({ thread, inFlight }: Reader): void {
    if (inFlight > 0 || thread.isAbandoned || this.threads.includes(thread)) return;
    void thread.close().catch(() => undefined);
  }

  /** The reader with the fewest batches in flight; `undefined` if all have the maximum. */
  #free(): Reader | undefined {
    let best: Reader | undefined;
    for (const reader of this.#readers)
      if (reader.inFlight < IN_FLIGHT && (best === undefined || reader.inFlight < best.inFlight))
        best = reader;
    return best;
  }
}
