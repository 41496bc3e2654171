/** Work on a whole database file, each on a connection of its own, which is closed afterwards. */
import type { Connection } from '../driver.ts';
import { NOTE_TABLE, readNote, readStamp, STAMP_TABLE } from './commit-counter.ts';
import type { DatabaseHistory, DatabaseStamp } from './commit-record.ts';
import { openConnection } from './connection.ts';
import type { EngineData } from './wire.ts';

/** Creates the file with the engine's own tables and the stamp of its history. */
export function createFile(data: EngineData, { id, epoch }: DatabaseHistory): void {
  const connection = openConnection(data, 'statements');
  try {
    makeOwnTables(connection);
    connection.exec(STAMP_TABLE);
    connection.prepare('INSERT INTO _aico_head VALUES (1, ?, ?, 0)').run(id, epoch);
    connection.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    connection.close();
  }
}

/** Gives the file another history. @returns its stamp and its note then */
export function adoptHistory(
  data: EngineData,
  { id, epoch }: DatabaseHistory,
): Partial<DatabaseStamp> & { readonly note: string | undefined } {
  const connection = openConnection(data, 'statements');
  try {
    connection.exec(`${STAMP_TABLE}; ${NOTE_TABLE}`);
    const commits = readStamp(connection)?.commits ?? 0;
    connection
      .prepare('INSERT OR REPLACE INTO _aico_head VALUES (1, ?, ?, ?)')
      .run(id, epoch, BigInt(commits + 1));
    connection.pragma('wal_checkpoint(TRUNCATE)');
    return { ...readStamp(connection), note: readNote(connection) };
  } finally {
    connection.close();
  }
}

/** Reads the stamp from the file itself: the page caches of open connections would hide damage to it. */
export function stampOf(data: EngineData): DatabaseStamp | undefined {
  const connection = openConnection(data, 'probe');
  try {
    return readStamp(connection);
  } finally {
    connection.close();
  }
}

/** Creates the engine's own tables where they are missing. */
export function makeOwnTables(connection: Connection): void {
  connection.exec(
    'CREATE TABLE IF NOT EXISTS _aico_migrations (owner TEXT NOT NULL, position INTEGER NOT NULL, id TEXT NOT NULL, ' +
      'checksum TEXT NOT NULL, applied_at TEXT NOT NULL, PRIMARY KEY (owner, position), UNIQUE (owner, id)) STRICT; ' +
      'CREATE TABLE IF NOT EXISTS _aico_objects (name TEXT PRIMARY KEY COLLATE NOCASE, owner TEXT NOT NULL) STRICT, WITHOUT ROWID; ' +
      NOTE_TABLE,
  );
}
