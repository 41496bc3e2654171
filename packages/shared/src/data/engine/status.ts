import type { Connection } from '../driver.ts';
import { quotedName } from '../sql/sql-text.ts';
import type { EngineStatus } from './wire.ts';

const SYNCHRONOUS = ['off', 'normal', 'full', 'extra'];

/** Reads the state of the database from the connection. */
export function databaseStatus(connection: Connection): EngineStatus {
  const text = (sql: string): string => String(connection.prepare(sql).pluck().get());
  const names = connection
    .prepare<unknown[], string>(
      "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual') " +
        "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_aico\\_%' ESCAPE '\\' AND name <> 'head_note' ORDER BY name",
    )
    .pluck()
    .all();
  return {
    cipher: text('PRAGMA cipher'),
    sqliteVersion: text('SELECT sqlite_version()'),
    journalMode: text('PRAGMA journal_mode'),
    synchronous: SYNCHRONOUS[Number(text('PRAGMA synchronous'))] ?? 'unknown',
    tables: names.map((name) => ({
      name,
      rows: Number(text(`SELECT count(*) FROM ${quotedName(name)}`)),
    })),
    migrations: connection
      .prepare<unknown[], { owner: string; id: string; appliedAt: string }>(
        'SELECT owner, id, applied_at AS appliedAt FROM _aico_migrations ORDER BY owner, position',
      )
      .all(),
  };
}

/** The SQL text of the schema. */
export function schemaText(connection: Connection): string {
  return connection
    .prepare<unknown[], string>('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL')
    .pluck()
    .all()
    .join('\n');
}
