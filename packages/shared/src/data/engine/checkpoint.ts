import type { Connection } from '../driver.ts';

/** Commits between two looks at how long the log has become, and the pages from which it is written back. */
const LOOK_EVERY = 16;
const LONG_LOG_PAGES = 1_000;

/** Writes the file anew without the space that deleted rows left, then gives the space of the log back as well. */
export function vacuum(connection: Connection): void {
  connection.exec('VACUUM');
  const patience = connection.pragma('busy_timeout', { simple: true });
  // A reader that still uses the log must not hold up the writer: the log is cut when it next begins anew.
  connection.pragma('busy_timeout = 0');
  try {
    connection.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    connection.pragma(`busy_timeout = ${patience}`);
  }
}

interface LogLength {
  readonly log: number;
  readonly checkpointed: number;
}

/**
 * Writes the log back into the file, behind the answers. The engine's own automatic way does it inside a commit and says
 * nothing when the file's fsync fails, after which the log, the only good copy, would be overwritten.
 */
export class Checkpointer {
  readonly #connection: Connection;
  #commits = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** After a commit. @throws the driver's error; what was committed stays in the log then */
  afterCommit(): void {
    this.#commits += 1;
    if (this.#commits < LOOK_EVERY || this.#connection.inTransaction) return;
    this.#commits = 0;
    const { log, checkpointed } = this.#ask('NOOP');
    if (log >= LONG_LOG_PAGES && log !== checkpointed) this.#ask('PASSIVE');
  }

  #ask(mode: 'NOOP' | 'PASSIVE'): LogLength {
    const [length] = this.#connection.pragma(`wal_checkpoint(${mode})`) as readonly LogLength[];
    return length ?? { log: 0, checkpointed: 0 };
  }
}
