import type { Connection } from '../driver.ts';
import { quotedName } from '../sql/sql-text.ts';
import type { EngineStatus } from './wire.ts';

const SYNCHRONOUS = ['off', 'normal', 'full', 'extra'];

/** Reads the state of the database from the connection. */
export function databaseStatus(connection: Connection): EngineStatus {
  const text = (sql: string): string => String(connection.prepare(sql).pluck().get());
  const number = (sql: string): number => Number(text(sql));
  const names = connection
    .prepare<unknown[], string>(
      "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual') " +
        "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_aico\\_%' ESCAPE '\\' AND name <> 'head_note' ORDER BY name",
    )
    .pluck()
    .all();
  return {
    version: text('SELECT sqlite_version()'),
    tables: names.map((name) => ({
      name,
      rows: Number(text(`SELECT count(*) FROM ${quotedName(name)}`)),
    })),
    migrations: connection
      .prepare<unknown[], { owner: string; id: string; appliedAt: string }>(
        'SELECT owner, id, applied_at AS appliedAt FROM _aico_migrations ORDER BY owner, position',
      )
      .all(),
    details: {
      cipher: text('PRAGMA cipher'),
      'journal mode': text('PRAGMA journal_mode'),
      synchronous: SYNCHRONOUS[Number(text('PRAGMA synchronous'))] ?? 'unknown',
      'page bytes': number('PRAGMA page_size'),
      pages: number('PRAGMA page_count'),
      'free pages': number('PRAGMA freelist_count'),
      commits: number('SELECT commits FROM _aico_head'),
    },
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
