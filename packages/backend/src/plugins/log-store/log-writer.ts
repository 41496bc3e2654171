import { AsyncLocalStorage } from 'node:async_hooks';
import { type LineQueue, type Logger, type QueuedLine, storedTexts } from '@aico/shared/core/logging';
import { withLineDelivery } from '@aico/shared/core/tracing';
import type { Database } from '@aico/shared/data';
import { INSERT_BATCH } from './schema.ts';

/** How many characters are written at once, unless one line alone is longer. */
const MAX_BATCH_LENGTH = 4 * 1_048_576;

export interface LogWriterOptions {
  readonly queue: LineQueue;
  /** Identifies the queue among those of all processes. */
  readonly run: string;
  readonly database: Pick<Database, 'execute'>;
  readonly logger: Logger;
  /** Stores lines that are older than those of the queue. It is called again until it succeeds. */
  readonly recover?: () => Promise<void>;
  /** Called when lines have been stored. */
  readonly onStored?: () => void;
  /** The longest a line waits for company, in milliseconds. Default 100. */
  readonly flushMs?: number;
  /** The most lines of one write. Half as many are written without waiting for more. Default 2 048. */
  readonly batchSize?: number;
  /** Milliseconds until a failed write is tried again. Default 1 000. */
  readonly retryMs?: number;
}

export interface LogWriterStats {
  readonly written: number;
  readonly dropped: number;
  readonly pending: number;
  /** Writes that failed in a row; 0 when the last one succeeded. */
  readonly failures: number;
}

/**
 * Writes the lines of a queue in batches. Each batch is one statement, so it is written completely or not at all; a refused
 * batch returns to the queue, which is bounded. The number of its last line is stored with it.
 */
export class LogWriter {
  readonly #queue: LineQueue;
  readonly #run: string;
  #recover: (() => Promise<void>) | undefined;
  readonly #onStored: (() => void) | undefined;
  readonly #database: Pick<Database, 'execute'>;
  readonly #logger: Logger;
  readonly #flushMs: number;
  readonly #batchSize: number;
  readonly #retryMs: number;
  /** A write is never part of the work that triggered it, such as a transaction that asked for a flush. */
  readonly #inOwnContext = withLineDelivery(() => AsyncLocalStorage.snapshot());
  /** Lines that the current write has taken from the queue. */
  #inFlight = 0;
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #unlisten: (() => void) | undefined;
  #written = 0;
  #failures = 0;
  #lastFailure: unknown;

  constructor({
    queue,
    run,
    database,
    logger,
    recover,
    onStored,
    flushMs = 100,
    batchSize = 2_048,
    retryMs = 1_000,
  }: LogWriterOptions) {
    this.#queue = queue;
    this.#run = run;
    this.#recover = recover;
    this.#onStored = onStored;
    this.#database = database;
    this.#logger = logger;
    this.#flushMs = flushMs;
    this.#batchSize = batchSize;
    this.#retryMs = retryMs;
  }

  get stats(): LogWriterStats {
    return {
      written: this.#written,
      dropped: this.#queue.dropped,
      pending: this.#queue.released + this.#inFlight,
      failures: this.#failures,
    };
  }

  /** Writes the lines in the queue, and later ones. */
  start(): void {
    this.#unlisten = this.#queue.listen(() => this.#writeInTime());
    if (this.#recover === undefined) this.#writeInTime();
    else this.#write();
  }

  /**
   * Resolves once everything released before is durable. It does not wait for lines that are released meanwhile.
   *
   * @throws the error of the database; the lines remain in the queue
   */
  async flush(): Promise<void> {
    const last = this.#queue.lastReleased;
    while (this.#recover !== undefined || this.#queue.oldest <= last) {
      const before = this.#failures;
      this.#write();
      await this.#writing;
      if (this.#failures > before) throw this.#lastFailure;
    }
  }

  /** Stops writing, once the current batch is written: a second writer of the same queue may begin. */
  async close(): Promise<void> {
    this.#unlisten?.();
    this.#unlisten = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#writing;
  }

  get #hasWork(): boolean {
    return this.#queue.released > 0 || this.#recover !== undefined;
  }

  #writeInTime(): void {
    if (this.#writing !== undefined || !this.#hasWork) return;
    if (this.#failures > 0) this.#timer ??= setTimeout(() => this.#write(), this.#retryMs);
    else if (this.#queue.released >= this.#batchSize / 2) this.#write();
    else this.#timer ??= setTimeout(() => this.#write(), this.#flushMs);
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#inOwnContext(() => this.#writeBatch()).finally(() => {
      this.#writing = undefined;
      if (this.#unlisten === undefined || !this.#hasWork) return;
      // Lines logged during the write have waited long enough: they are written without the delay.
      if (this.#failures === 0) this.#write();
      else this.#writeInTime();
    });
  }

  async #writeBatch(): Promise<void> {
    let batch: readonly QueuedLine[] = [];
    try {
      await this.#recover?.();
      this.#recover = undefined;
      batch = this.#queue.take({ lines: this.#batchSize, size: MAX_BATCH_LENGTH });
      this.#inFlight = batch.length;
      const stored = batch.at(-1)?.number;
      if (stored !== undefined)
        await this.#database.execute(INSERT_BATCH, [this.#run, stored, storedTexts(batch)]);
      this.#written += batch.length;
      this.#queue.confirm();
      this.#onStored?.();
      if (this.#failures > 0)
        this.#logger.info('Log lines are written again', { afterFailures: this.#failures });
      this.#failures = 0;
    } catch (error) {
      this.#queue.putBack(batch);
      this.#lastFailure = error;
      if (this.#failures === 0) this.#logger.error('Log lines cannot be written; they wait', { error });
      this.#failures += 1;
    } finally {
      this.#inFlight = 0;
    }
  }
}
