import Driver from 'better-sqlite3-multiple-ciphers';
import type { Connection } from '../driver.ts';
import { quotedName } from '../sql/sql-text.ts';
import type { DatabaseStamp } from './commit-record.ts';
import { keyArgument, openConnection, unlockConnection } from './connection.ts';
import type { CipherName } from './wire.ts';

/** A database file, its key and its cipher. */
export interface CopySource {
  readonly file: string;
  readonly key: SharedArrayBuffer;
  readonly cipher: CipherName;
}

/** The content of a copy that passed verification. */
export interface VerifiedCopy {
  readonly stamp: DatabaseStamp;
  readonly tables: ReadonlyMap<string, number>;
}

/**
 * Writes a compact copy of a database, encrypted with `targetKey`, to `target`. No key occurs in the text of a statement, and no
 * plaintext is written: the copy is made with the present key, then rekeyed. Blocks the calling thread.
 *
 * @throws the driver's errors, and an error if the copy does not pass verification
 */
export function writeEncryptedCopy(
  source: CopySource,
  target: string,
  targetKey: SharedArrayBuffer,
): VerifiedCopy {
  const from = openConnection(
    { ...source, role: 'reader', busyTimeoutMs: 1_000, maxPages: undefined },
    'probe',
  );
  let held: ReadonlyMap<string, number>;
  try {
    held = countRows(from);
    from.prepare('VACUUM INTO ?').run(target);
  } finally {
    from.close();
  }
  const copy = new Driver(target, { fileMustExist: true });
  try {
    unlockConnection(copy, source.cipher, source.key);
    // A rollback journal on disk would contain pages encrypted with the old key.
    copy.pragma('journal_mode = MEMORY');
    const argument = keyArgument(targetKey);
    try {
      copy.rekey(argument);
    } finally {
      argument.fill(0);
    }
    copy.pragma('journal_mode = WAL');
    copy.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    copy.close();
  }
  const verified = verifyCopy({ file: target, key: targetKey, cipher: source.cipher });
  for (const [table, rows] of held)
    if (verified.tables.get(table) !== rows)
      throw new Error(`the copy of table ${table} has ${verified.tables.get(table)} of ${rows} rows`);
  return verified;
}

/**
 * Writes a compact copy of one snapshot of a database, encrypted with the same key, to `target`. The database may be in use.
 * @throws the driver's errors
 */
export function writeSnapshot(source: CopySource, target: string): void {
  const from = openConnection(
    { ...source, role: 'reader', busyTimeoutMs: 5_000, maxPages: undefined },
    'probe',
  );
  try {
    from.prepare('VACUUM INTO ?').run(target);
  } finally {
    from.close();
  }
}

/** Reads every page of a database that is not open anywhere. @throws the driver's errors, and an error for any inconsistency */
export function verifyCopy(copy: CopySource): VerifiedCopy {
  const connection = openConnection(
    { ...copy, role: 'reader', busyTimeoutMs: 1_000, maxPages: undefined },
    'probe',
  );
  try {
    const problems = connection.prepare<unknown[], string>('PRAGMA integrity_check').pluck().all();
    if (problems.length !== 1 || problems[0] !== 'ok')
      throw new Error(`its integrity check failed: ${problems[0]}`);
    const broken = connection.prepare('PRAGMA foreign_key_check').all();
    if (broken.length > 0) throw new Error(`${broken.length} rows refer to missing rows`);
    const stamp = connection
      .prepare<unknown[], DatabaseStamp>('SELECT id, epoch, commits FROM _aico_head')
      .get();
    if (stamp === undefined) throw new Error('it contains no database id');
    return { stamp, tables: countRows(connection) };
  } finally {
    connection.close();
  }
}

function countRows(connection: Connection): ReadonlyMap<string, number> {
  const names = connection
    .prepare<unknown[], string>("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'")
    .pluck()
    .all();
  return new Map(
    names.map((name) => [
      name,
      Number(
        connection
          .prepare(`SELECT count(*) FROM ${quotedName(name)}`)
          .pluck()
          .get(),
      ),
    ]),
  );
}
