import { parseJson } from '@aico/protocol';
import type { Logger } from '@aico/shared/core/logging';
import { removeDurably } from '@aico/shared/core/paths';
import { errnoOf } from '@aico/shared/core/system-errors';
import { createMutex } from '@aico/shared/core/tasks';
import type { Database } from '@aico/shared/data';
import type { AuditRecorder } from '@aico/shared/data/audit';
import { wipe } from '@aico/shared/security';
import { type LogSelection, type StoredLogRecord, withoutWords } from '../log-query.ts';
import type { LogStore } from '../log-store.ts';
import { newArchiveHead, readLogArchiveHead, writeLogArchive } from './log-archive.ts';

export interface LogArchiverOptions {
  readonly store: Pick<LogStore, 'flush' | 'lastId' | 'pages' | 'delete'>;
  readonly database: Pick<Database, 'execute'>;
  /** The key of archives, which the archiver wipes after each use. */
  readonly key: () => Uint8Array;
  readonly logger: Logger;
  /** Records archives. */
  readonly audit: Pick<AuditRecorder, 'record'>;
}

/** A finished archive. */
export interface LogArchived {
  readonly file: string;
  readonly lines: number;
  /** How many of them were removed from the table. */
  readonly removed: number;
}

interface IntentRow {
  readonly id: string;
  readonly file: string;
  readonly selection: string;
}

/**
 * Writes stored lines to encrypted files, and removes them from the table if that is wanted.
 *
 * Before a file gets its name, a row of `logs_archive` says which lines are removed once it has it. If the process ends in
 * between, {@link finish} removes them, or forgets the row where the file was not completed: so a line is in the table or in the
 * file, and not in both.
 *
 * @example
 * ```ts
 * await archiver.archive({ file: '/media/usb/october.aicolog', selection: { until: november }, remove: true });
 * ```
 */
export class LogArchiver {
  readonly #store: LogArchiverOptions['store'];
  readonly #database: Pick<Database, 'execute'>;
  readonly #key: () => Uint8Array;
  readonly #logger: Logger;
  readonly #audit: LogArchiverOptions['audit'];
  readonly #exclusive = createMutex();

  constructor({ store, database, key, logger, audit }: LogArchiverOptions) {
    this.#store = store;
    this.#database = database;
    this.#key = key;
    this.#logger = logger;
    this.#audit = audit;
  }

  /**
   * Writes no file if no line is selected.
   *
   * @param remove whether the lines are removed from the table, once the file is durable
   * @throws as {@link writeLogArchive}, and the error of the database; no line is lost
   */
  archive(options: {
    readonly file: string;
    readonly selection: LogSelection;
    readonly remove?: boolean;
  }): Promise<LogArchived> {
    return this.#exclusive(() => this.#archive(options));
  }

  /** Removes the lines of archives that were completed, where the process ended before it had removed them. */
  finish(): Promise<void> {
    return this.#exclusive(async () => {
      const { rows } = await this.#database.execute<IntentRow>(
        'SELECT id, file, selection FROM logs_archive',
      );
      for (const row of rows) await this.#finish(row);
    });
  }

  async #archive({
    file,
    selection,
    remove = false,
  }: {
    readonly file: string;
    readonly selection: LogSelection;
    readonly remove?: boolean;
  }): Promise<LogArchived> {
    await this.#store.flush();
    // Lines that come later are not archived, and must not be removed.
    const selected: LogSelection = {
      ...selection,
      before: Math.min(selection.before ?? Number.POSITIVE_INFINITY, (await this.#store.lastId()) + 1),
    };
    const pages = this.#store.pages(selected);
    const first = await pages.next();
    if (first.done === true) return { file, lines: 0, removed: 0 };
    const head = newArchiveHead();
    let lines = 0;
    const counted = async function* () {
      for (
        let page: IteratorResult<readonly StoredLogRecord[]> = first;
        page.done !== true;
        page = await pages.next()
      ) {
        lines += page.value.length;
        yield page.value;
      }
    };
    if (remove) await this.#intend(head.id, file, selected);
    await this.#withKey((key) => writeLogArchive(file, key, head, counted())).catch(
      async (error: unknown) => {
        if (remove) await this.#forget(head.id).catch(() => undefined);
        throw error;
      },
    );
    await this.#record(file, selected, remove);
    return { file, lines, removed: remove ? await this.#remove(head.id, selected) : 0 };
  }

  async #finish({ id, file, selection }: IntentRow): Promise<void> {
    if (await this.#isComplete(id, file)) {
      const selected = parseJson(selection) as LogSelection;
      await this.#record(file, selected, true);
      const removed = await this.#remove(id, selected);
      this.#logger.info('The lines of an archive were removed from the table', { file, removed });
    } else {
      this.#logger.warn('An archive was not completed, or cannot be read: its lines stay in the table', {
        file,
      });
      await this.#forget(id);
    }
  }

  /** Recorded before the lines are removed, as every deletion of lines is. */
  async #record(file: string, selection: LogSelection, removed: boolean): Promise<void> {
    const details = { file, filter: withoutWords(selection), removed };
    await this.#audit.record({ action: 'log.archived', details });
  }

  async #isComplete(id: string, file: string): Promise<boolean> {
    try {
      return (await this.#withKey((key) => readLogArchiveHead(file, key)))?.id === id;
    } catch (error) {
      // There is no file of this name, but there may be its draft.
      if (error instanceof Error && errnoOf(error) === 'ENOENT')
        await removeDurably(file).catch(() => undefined);
      return false;
    }
  }

  async #intend(id: string, file: string, selection: LogSelection): Promise<void> {
    await this.#database.execute('INSERT INTO logs_archive (id, file, selection) VALUES (?, ?, ?)', [
      id,
      file,
      JSON.stringify(selection),
    ]);
  }

  async #remove(id: string, selection: LogSelection): Promise<number> {
    const removed = await this.#store.delete(selection);
    await this.#forget(id);
    return removed;
  }

  async #forget(id: string): Promise<void> {
    await this.#database.execute('DELETE FROM logs_archive WHERE id = ?', [id]);
  }

  async #withKey<T>(work: (key: Uint8Array) => Promise<T>): Promise<T> {
    const key = this.#key();
    try {
      return await work(key);
    } finally {
      wipe(key);
    }
  }
}
