import { AsyncLocalStorage } from 'node:async_hooks';
import { LEVEL_NUMBERS, type LineQueue, type Logger, type LogRecord } from '@aico/shared/core/logging';
import { withLineDelivery } from '@aico/shared/core/tracing';
import type { Database } from '@aico/shared/data';
import { contextOf } from './log-record.ts';
import { INSERT_BATCH } from './schema.ts';

/** How many characters are written at once, unless one line alone is longer. */
const MAX_BATCH_LENGTH = 4 * 1_048_576;

export interface LogWriterOptions {
  readonly queue: LineQueue;
  readonly database: Pick<Database, 'execute'>;
  readonly logger: Logger;
  /** The longest a line waits for company, in milliseconds. Default 100. */
  readonly flushMs?: number;
  /** How many lines are written at once. Default 1 024. */
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
 * batch returns to the queue, which is bounded.
 */
export class LogWriter {
  readonly #queue: LineQueue;
  readonly #database: Pick<Database, 'execute'>;
  readonly #logger: Logger;
  readonly #flushMs: number;
  readonly #batchSize: number;
  readonly #retryMs: number;
  /** A write is never part of the work that triggered it, such as a transaction that asked for a flush. */
  readonly #inOwnContext = withLineDelivery(() => AsyncLocalStorage.snapshot());
  /** Lines taken out of the queue by the write under way. */
  #inFlight = 0;
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #unlisten: (() => void) | undefined;
  #written = 0;
  #failures = 0;
  #lastFailure: unknown;

  constructor({
    queue,
    database,
    logger,
    flushMs = 100,
    batchSize = 1_024,
    retryMs = 1_000,
  }: LogWriterOptions) {
    this.#queue = queue;
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
    this.#writeInTime();
  }

  /**
   * Resolves once everything released before is durable.
   *
   * @throws the error of the database; the lines remain in the queue
   */
  async flush(): Promise<void> {
    // The batch under way is waited for as well, also one that begins when another ends.
    while (this.#queue.released > 0 || this.#writing !== undefined) {
      const before = this.#failures;
      this.#write();
      await this.#writing;
      if (this.#failures > before) throw this.#lastFailure;
    }
  }

  /** Stops writing. */
  close(): void {
    this.#unlisten?.();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #writeInTime(): void {
    if (this.#writing !== undefined || this.#queue.released === 0) return;
    if (this.#failures > 0) this.#timer ??= setTimeout(() => this.#write(), this.#retryMs);
    else if (this.#queue.released >= this.#batchSize) this.#write();
    else this.#timer ??= setTimeout(() => this.#write(), this.#flushMs);
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#inOwnContext(() => this.#writeBatch()).finally(() => {
      this.#writing = undefined;
      if (this.#unlisten === undefined || this.#queue.released === 0) return;
      // Lines that came meanwhile have waited for as long as the write took.
      if (this.#failures === 0) this.#write();
      else this.#writeInTime();
    });
  }

  async #writeBatch(): Promise<void> {
    const batch = this.#queue.take({ lines: this.#batchSize, size: MAX_BATCH_LENGTH });
    this.#inFlight = batch.length;
    try {
      await this.#database.execute(INSERT_BATCH, [`[${batch.map(({ record }) => toRow(record)).join(',')}]`]);
      this.#written += batch.length;
      this.#queue.confirm();
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

function toRow(record: LogRecord): string {
  const { time, level, service, component, message, fields } = record;
  const { requestId, traceId, plugin, device } = contextOf(record);
  // Well-formed, since SQLite keeps text as UTF-8.
  const row = [
    time,
    LEVEL_NUMBERS[level],
    service,
    component,
    message.toWellFormed(),
    JSON.stringify(fields),
    requestId,
    traceId,
    plugin,
    device,
  ];
  return JSON.stringify(row);
}
