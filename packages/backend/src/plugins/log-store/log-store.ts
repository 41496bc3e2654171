import type { Logger, Logging } from '@aico/shared/core/logging';
import type { Database } from '@aico/shared/data';
import type { SpooledRuns } from '@aico/shared/security';
import { type IdRange, LineIndex } from './line-index.ts';
import {
  countLogs,
  deleteLogs,
  type LineCount,
  type LogFilter,
  type LogQuery,
  type LogSelection,
  lineById,
  needsIndex,
  newestLine,
  pageOfLogs,
  queryLogs,
  type StoredLogRecord,
} from './log-query.ts';
import { applyRetention, enlarged, newestBeyond, type RetentionLimits } from './log-retention.ts';
import { LogWriter, type LogWriterOptions, type LogWriterStats } from './log-writer.ts';
import { MIGRATIONS, OWNER } from './schema.ts';
import { SpoolRecovery } from './spool-recovery.ts';

/** Lines that one statement reads or deletes: other writes wait for a deletion. */
const LINES_AT_ONCE = 1_000;

const EVERY_ID: IdRange = { from: 0, to: Number.MAX_SAFE_INTEGER };

export interface StoredCounts {
  readonly counts: readonly LineCount[];
  /** When the first stored line was logged, in milliseconds since 1970; `undefined` without any. */
  readonly oldest: number | undefined;
  readonly newest: number | undefined;
}

export interface LogStoreOptions {
  /** The logging service whose lines are kept. */
  readonly logging: Pick<Logging, 'queue' | 'run' | 'flush'>;
  readonly database: Pick<Database, 'execute' | 'migrate'>;
  readonly logger: Logger;
  readonly writer?: Omit<LogWriterOptions, 'queue' | 'run' | 'recover' | 'onStored' | 'database' | 'logger'>;
  /** The spools of earlier processes, whose lines are stored first. */
  readonly spools?: SpooledRuns;
  readonly retention?: RetentionLimits;
  /** Returns the space of deleted lines to the file system. Default: it stays in the file for later rows. */
  readonly reclaim?: (signal?: AbortSignal) => Promise<void>;
  /** The clock that decides which lines are too old. Default `Date`. */
  readonly clock?: { now(): number };
}

/**
 * Keeps every line that is logged in the encrypted table `logs`.
 *
 * @example
 * ```ts
 * const store = new LogStore({ logging, database, logger: logging.getLogger('log_store', 'store') });
 * await store.start();
 * const warnings = await store.query({ service: 'inbox', minLevel: 'warn', limit: 100 });
 * await store.stop();
 * ```
 */
export class LogStore {
  readonly #logging: Pick<Logging, 'queue' | 'run' | 'flush'>;
  readonly #database: Pick<Database, 'execute' | 'migrate'>;
  readonly #writer: LogWriter;
  readonly #index: LineIndex;
  /** The count of written lines when the index was filled last. */
  #indexedAt: number | undefined;
  readonly #logger: Logger;
  readonly #retention: RetentionLimits;
  readonly #reclaim: (signal?: AbortSignal) => Promise<void>;
  readonly #clock: { now(): number };
  readonly #listeners = new Set<() => void>();

  constructor(options: LogStoreOptions) {
    const { logging, database, logger, writer = {}, spools, retention = {}, clock = Date } = options;
    const { reclaim = async () => {} } = options;
    const { queue, run } = logging;
    this.#logging = logging;
    this.#clock = clock;
    this.#database = database;
    this.#logger = logger;
    this.#retention = retention;
    this.#reclaim = reclaim;
    this.#index = new LineIndex(database);
    const recovery = spools && new SpoolRecovery({ spools, run, database, logger });
    this.#writer = new LogWriter({
      ...writer,
      queue,
      run,
      database,
      logger,
      ...(recovery && { recover: () => recovery.complete() }),
      onStored: () => {
        for (const listener of this.#listeners) listener();
      },
    });
  }

  get stats(): LogWriterStats {
    return this.#writer.stats;
  }

  /** Creates its table, and writes the lines of earlier processes, then queued and later ones. */
  async start(): Promise<void> {
    await this.#database.migrate(OWNER, MIGRATIONS);
    this.#writer.start();
  }

  /** The matching lines, fewer than `limit` where they are long; queued ones are written first, if possible. */
  async query(query: LogQuery): Promise<readonly StoredLogRecord[]> {
    // A store that cannot write, which the writer has reported, can still be read.
    await this.flush().catch(() => undefined);
    if (needsIndex(query)) await this.#index.complete().catch(() => undefined);
    return pageOfLogs(this.#database, query, await this.#rangeOf(query));
  }

  /** The line with that id, if it is stored. */
  async line(id: number): Promise<StoredLogRecord | undefined> {
    await this.flush().catch(() => undefined);
    return lineById(this.#database, id);
  }

  /** Calls `listener` when lines have been stored. @returns how to end that */
  onStored(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The id of the newest stored line; 0 without any. */
  async lastId(): Promise<number> {
    return (await newestLine(this.#database)) ?? 0;
  }

  /** The first lines that were stored after the one with the id `after`, without those that wait to be stored. */
  stored(after: number, filter: Omit<LogFilter, 'text'>, limit: number): Promise<readonly StoredLogRecord[]> {
    return queryLogs(this.#database, { ...filter, after, first: 'oldest', limit }, EVERY_ID);
  }

  /** How many lines are stored, by service and level, and when the first and the last of them were logged. */
  async count(): Promise<StoredCounts> {
    await this.flush().catch(() => undefined);
    const counts = await countLogs(this.#database);
    const [[oldest], [newest]] = await Promise.all([
      queryLogs(this.#database, { first: 'oldest', limit: 1 }, EVERY_ID),
      queryLogs(this.#database, { limit: 1 }, EVERY_ID),
    ]);
    return { counts, oldest: oldest?.time, newest: newest?.time };
  }

  /** The lines that match, oldest first. Lines that are stored meanwhile are among them, unless `before` excludes them. */
  async *pages(selection: LogSelection): AsyncGenerator<readonly StoredLogRecord[]> {
    await this.flush();
    const range = await this.#indexedRangeOf(selection);
    for (let after = 0; ; ) {
      const query = { ...selection, after, first: 'oldest', limit: LINES_AT_ONCE } as const;
      const page = await pageOfLogs(this.#database, query, range);
      const last = page.at(-1);
      if (last === undefined) return;
      yield page;
      after = last.id;
    }
  }

  /**
   * Deletes the lines that match and were stored before the call, in small steps, so that writers are not held up.
   * @returns how many
   */
  async delete(selection: LogSelection): Promise<number> {
    await this.flush();
    const { before = (await this.lastId()) + 1 } = selection;
    const range = await this.#indexedRangeOf(selection);
    for (let deleted = 0; ; ) {
      const more = await deleteLogs(this.#database, { ...selection, before, limit: LINES_AT_ONCE }, range);
      deleted += more;
      if (more < LINES_AT_ONCE) return deleted;
    }
  }

  /** As `#rangeOf`, once every stored line is indexed. @throws the error of the database */
  async #indexedRangeOf(selection: LogSelection): Promise<IdRange> {
    if (needsIndex(selection)) await this.#index.complete();
    return await this.#rangeOf(selection);
  }

  /** The ids that can match, by the index of times. */
  async #rangeOf(query: LogQuery): Promise<IdRange> {
    return needsIndex(query) ? await this.#index.idsOf(query.since, query.until) : EVERY_ID;
  }

  /** Indexes the lines that were stored since the last call, but for the last few, which a query that needs them indexes. */
  async index(signal?: AbortSignal): Promise<void> {
    const { written } = this.stats;
    // Without new lines the database is not asked, so that an idle backend stays idle.
    if (written === this.#indexedAt) return;
    await this.#index.fill(signal);
    this.#indexedAt = written;
  }

  /**
   * Resolves once every line logged so far is durable, also while further lines are logged without a pause.
   *
   * @throws the error of the database; the lines remain queued
   */
  async flush(): Promise<void> {
    await this.#logging.flush();
    await this.#writer.flush();
  }

  /**
   * Deletes lines beyond the limits, and returns their space.
   * @returns the number of deleted lines
   */
  async prune(signal?: AbortSignal): Promise<number> {
    const deleted = await applyRetention(this.#database, this.#retention, this.#clock.now(), signal);
    await this.#reclaim(signal);
    return deleted;
  }

  /**
   * Removes lines beyond the limits by `remove`, and returns their space. It waits until a twentieth of the limits, or a day, has come
   * together, so that `remove` is not called for a few lines every time.
   */
  async retire(remove: (selection: LogSelection) => Promise<unknown>, signal?: AbortSignal): Promise<void> {
    const now = this.#clock.now();
    if ((await newestBeyond(this.#database, enlarged(this.#retention), now)) === undefined) return;
    const newest = await newestBeyond(this.#database, this.#retention, now);
    if (newest === undefined) return;
    await remove({ before: newest + 1 });
    await this.#reclaim(signal);
  }

  /** Writes the lines logged so far, and stops. Later lines, and those that cannot be written, remain in the queue and its spool. */
  async stop(): Promise<void> {
    try {
      await this.flush();
    } catch (error) {
      this.#logger.error('Log lines could not be stored before the stop', {
        lines: this.stats.pending,
        error,
      });
    } finally {
      await this.#writer.close();
    }
  }
}
