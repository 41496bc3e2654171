import type { Connection } from '../driver.ts';

/** The number of commits between two checks of the log's length, and the length in pages from which a checkpoint runs. */
const CHECK_EVERY = 16;
const LONG_LOG_PAGES = 1_000;

/** Rewrites the file without the space of deleted rows, then truncates the log. */
export function vacuum(connection: Connection): void {
  connection.exec('VACUUM');
  const patience = connection.pragma('busy_timeout', { simple: true });
  // The writer must not wait for a reader that still uses the log. In that case the log is truncated at its next restart.
  connection.pragma('busy_timeout = 0');
  try {
    connection.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    connection.pragma(`busy_timeout = ${patience}`);
  }
}

/** The space of a database file, in pages. */
export interface FileSpace {
  readonly free: number;
  readonly pages: number;
}

/**
 * Moves pages from the end of the file to free ones, and shortens the file by at most `pages`. With 0 it only looks. In a file of
 * an earlier version nothing happens before a VACUUM.
 */
export function reclaim(connection: Connection, pages: number): FileSpace {
  if (pages > 0) {
    connection.pragma(`incremental_vacuum(${pages})`);
    // The file is shortened when the log is written back.
    connection.pragma('wal_checkpoint(PASSIVE)');
  }
  return {
    free: Number(connection.pragma('freelist_count', { simple: true })),
    pages: Number(connection.pragma('page_count', { simple: true })),
  };
}

interface LogLength {
  readonly log: number;
  readonly checkpointed: number;
}

/**
 * Runs checkpoints after the reply to a commit. SQLite's automatic checkpoint runs inside a commit and does not report a failed
 * fsync of the database file, after which the log, the only good copy, would be overwritten.
 */
export class Checkpointer {
  readonly #connection: Connection;
  #commits = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** @throws the driver's error; the committed data is then still in the log */
  afterCommit(): void {
    this.#commits += 1;
    if (this.#commits < CHECK_EVERY || this.#connection.inTransaction) return;
    this.#commits = 0;
    const { log, checkpointed } = this.#ask('NOOP');
    if (log >= LONG_LOG_PAGES && log !== checkpointed) this.#ask('PASSIVE');
  }

  #ask(mode: 'NOOP' | 'PASSIVE'): LogLength {
    const [length] = this.#connection.pragma(`wal_checkpoint(${mode})`) as readonly LogLength[];
    return length ?? { log: 0, checkpointed: 0 };
  }
}
