import { AsyncLocalStorage } from 'node:async_hooks';
import { LEVEL_NUMBERS, type Logger, type LogRecord } from '@aico/shared/core/logging';
import type { Database } from '@aico/shared/data';
import { INSERT_BATCH } from './schema.ts';

/** How many characters are written at once, unless one line alone is longer. */
const MAX_BATCH_LENGTH = 4 * 1_048_576;

export interface LogWriterOptions {
  readonly database: Pick<Database, 'execute'>;
  readonly logger: Logger;
  /** The longest a line waits for company, in milliseconds. Default 100. */
  readonly flushMs?: number;
  /** How many lines are written at once. Default 1 024. */
  readonly batchSize?: number;
  /** How many lines may wait, while the database is slow or refuses; the oldest go then. Default 100 000. */
  readonly limit?: number;
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

/** Writes lines in batches: each batch is one statement, so all of it is durable or none. */
export class LogWriter {
  readonly #database: Pick<Database, 'execute'>;
  readonly #logger: Logger;
  readonly #flushMs: number;
  readonly #batchSize: number;
  readonly #limit: number;
  readonly #retryMs: number;
  /** A write is never part of what its trigger was in the midst of, such as a transaction that asked for a flush. */
  readonly #inOwnContext = AsyncLocalStorage.snapshot();
  /** Rows as JSON. */
  #pending: string[] = [];
  /** Lines taken out of `#pending` by the write under way. */
  #inFlight = 0;
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #written = 0;
  #dropped = 0;
  #failures = 0;
  #lastFailure: unknown;

  constructor({
    database,
    logger,
    flushMs = 100,
    batchSize = 1_024,
    limit = 100_000,
    retryMs = 1_000,
  }: LogWriterOptions) {
    this.#database = database;
    this.#logger = logger;
    this.#flushMs = flushMs;
    this.#batchSize = batchSize;
    this.#limit = limit;
    this.#retryMs = retryMs;
  }

  get stats(): LogWriterStats {
    return {
      written: this.#written,
      dropped: this.#dropped,
      pending: this.#pending.length + this.#inFlight,
      failures: this.#failures,
    };
  }

  /** @throws {TypeError} when the line's fields cannot be written as JSON; every other line is as it was */
  append(record: LogRecord): void {
    this.#pending.push(toRow(record));
    if (this.#pending.length > this.#limit + this.#batchSize) this.#makeRoom();
    if (this.#writing !== undefined) return;
    if (this.#pending.length >= this.#batchSize && this.#failures === 0) this.#write();
    else
      this.#timer ??= setTimeout(() => this.#write(), this.#failures === 0 ? this.#flushMs : this.#retryMs);
  }

  /**
   * Resolves once everything appended before is durable.
   *
   * @throws what the database refused it with; the lines stay pending
   */
  async flush(): Promise<void> {
    const target = this.#written + this.#dropped + this.#inFlight + this.#pending.length;
    while (this.#written + this.#dropped < target) {
      const before = this.#failures;
      this.#write();
      await this.#writing;
      if (this.#failures > before) throw this.#lastFailure;
    }
  }

  /** Ends the timer; nothing is written after a `flush()`. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#writing !== undefined || this.#pending.length === 0) return;
    this.#writing = this.#inOwnContext(() => this.#writeBatch()).finally(() => {
      this.#writing = undefined;
      if (this.#pending.length === 0) return;
      if (this.#failures > 0) this.#timer ??= setTimeout(() => this.#write(), this.#retryMs);
      else this.#write();
    });
  }

  async #writeBatch(): Promise<void> {
    const batch = this.#takeBatch();
    this.#inFlight = batch.length;
    try {
      await this.#database.execute(INSERT_BATCH, [`[${batch.join(',')}]`]);
      this.#written += batch.length;
      if (this.#failures > 0)
        this.#logger.info('Log lines are written again', { afterFailures: this.#failures });
      this.#failures = 0;
    } catch (error) {
      this.#pending = [...batch, ...this.#pending];
      this.#lastFailure = error;
      if (this.#failures === 0) this.#logger.error('Log lines cannot be written; they wait', { error });
      this.#failures += 1;
    } finally {
      this.#inFlight = 0;
    }
  }

  #takeBatch(): string[] {
    let size = 0;
    let count = 0;
    for (const row of this.#pending) {
      size += row.length;
      if (count === this.#batchSize || (count > 0 && size > MAX_BATCH_LENGTH)) break;
      count += 1;
    }
    return this.#pending.splice(0, count);
  }

  #makeRoom(): void {
    const excess = this.#pending.length - this.#limit;
    this.#pending.splice(0, excess);
    if (this.#dropped === 0) this.#logger.error('Log lines are dropped: too many wait to be written');
    this.#dropped += excess;
  }
}

function toRow({ time, level, service, component, message, fields }: LogRecord): string {
  // Well-formed, since SQLite keeps text as UTF-8.
  const row = [
    time,
    LEVEL_NUMBERS[level],
    service,
    component,
    message.toWellFormed(),
    JSON.stringify(fields),
  ];
  return JSON.stringify(row);
}
