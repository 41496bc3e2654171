import type { MessageBus, Subscription } from '@aico/shared/core/bus';
import type { Logger } from '@aico/shared/core/logging';
import type { Database } from '@aico/shared/data';
import { type LogQuery, queryLogs, type StoredLogRecord } from './log-query.ts';
import { isLogRecord } from './log-record.ts';
import { applyRetention, type RetentionLimits } from './log-retention.ts';
import { LogWriter, type LogWriterOptions, type LogWriterStats } from './log-writer.ts';
import { MIGRATIONS, OWNER } from './schema.ts';

export interface LogStoreOptions {
  readonly bus: MessageBus;
  readonly database: Pick<Database, 'execute' | 'migrate'>;
  /** Must not log over the bus: what it says about writing lines would be written as a line. */
  readonly logger: Logger;
  readonly writer?: Omit<LogWriterOptions, 'database' | 'logger'>;
  readonly retention?: RetentionLimits;
  /** Tells what time it is for deciding which lines are too old. Default `Date`. */
  readonly clock?: { now(): number };
}

export interface LogStoreStats extends LogWriterStats {
  /** What came over `logs.*` and is no line. */
  readonly malformed: number;
}

/** How many lines may wait between the bus and the writer, which takes them at once. */
const QUEUE_LIMIT = 262_144;

/**
 * Keeps every line that comes over `logs.*` in the encrypted table `logs`.
 *
 * @example
 * ```ts
 * const store = new LogStore({ bus, database, logger: logging.getLogger('log_store', 'store') });
 * await store.start();
 * const warnings = await store.query({ service: 'inbox', minLevel: 'warn', limit: 100 });
 * await store.stop();
 * ```
 */
export class LogStore {
  readonly #bus: MessageBus;
  readonly #database: Pick<Database, 'execute' | 'migrate'>;
  readonly #writer: LogWriter;
  readonly #logger: Logger;
  readonly #retention: RetentionLimits;
  readonly #clock: { now(): number };
  #subscription: Subscription | undefined;
  #malformed = 0;
  #droppedByBus = 0;

  constructor({ bus, database, logger, writer = {}, retention = {}, clock = Date }: LogStoreOptions) {
    this.#clock = clock;
    this.#bus = bus;
    this.#database = database;
    this.#logger = logger;
    this.#retention = retention;
    this.#writer = new LogWriter({ ...writer, database, logger });
  }

  get stats(): LogStoreStats {
    const { dropped, pending, ...rest } = this.#writer.stats;
    const queue = this.#subscription?.stats;
    return {
      ...rest,
      dropped: dropped + (queue?.dropped ?? this.#droppedByBus),
      pending: pending + (queue?.queued ?? 0),
      malformed: this.#malformed,
    };
  }

  /** Makes its table and listens. */
  async start(): Promise<void> {
    await this.#database.migrate(OWNER, MIGRATIONS);
    this.#subscription = await this.#bus.subscribe('logs.*', (_topic, message) => this.#take(message), {
      queueLimit: QUEUE_LIMIT,
    });
  }

  /** The newest lines that match, newest first; those not written yet are written first, where that is possible. */
  async query(query: LogQuery): Promise<readonly StoredLogRecord[]> {
    // A store that cannot write, which the writer has reported, can still be read.
    await this.flush().catch(() => undefined);
    return queryLogs(this.#database, query);
  }

  /**
   * Resolves once every line that the bus has taken is durable.
   *
   * @throws what the database refused it with; the lines stay pending
   */
  async flush(): Promise<void> {
    while (this.#subscription !== undefined && this.#subscription.stats.queued > 0)
      await new Promise((resolve) => setImmediate(resolve));
    await this.#writer.flush();
  }

  /** Deletes what is beyond the limits; returns how many lines. */
  async prune(signal?: AbortSignal): Promise<number> {
    return applyRetention(this.#database, this.#retention, this.#clock.now(), signal);
  }

  /** Writes what has come, then listens no more. Lines that cannot be written are counted and reported. */
  async stop(): Promise<void> {
    try {
      await this.flush();
      await this.#unsubscribe();
      await this.#writer.flush();
    } catch (error) {
      this.#logger.error('Log lines were lost at the stop', { lines: this.stats.pending, error });
    } finally {
      await this.#unsubscribe();
      this.#writer.close();
    }
  }

  #take(message: unknown): void {
    try {
      if (!isLogRecord(message)) throw new TypeError('not a line');
      this.#writer.append(message);
    } catch {
      // Counted, and told of by the health check's figures: one who publishes nonsense must not fill the log with it.
      this.#malformed += 1;
    }
  }

  async #unsubscribe(): Promise<void> {
    const subscription = this.#subscription;
    if (subscription === undefined) return;
    await subscription.unsubscribe();
    this.#droppedByBus = subscription.stats.dropped;
    this.#subscription = undefined;
  }
}
