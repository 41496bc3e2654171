import { quotedName } from '../sql/sql-text.ts';
import type { DatabaseStatus } from '../types.ts';
import type { PostgresConnection } from './connection.ts';

const TABLES =
  "SELECT relname::text FROM pg_class WHERE relnamespace = 'aico'::regnamespace AND relkind IN ('r', 'p') " +
  'AND relname NOT LIKE \'\\_aico\\_%\' ORDER BY relname COLLATE "C"';
const COLUMNS =
  'SELECT table_name::text, column_name::text FROM information_schema.columns ' +
  'WHERE table_schema = \'aico\' ORDER BY table_name COLLATE "C", ordinal_position';
const FACTS =
  "SELECT pg_database_size(current_database()), current_setting('max_connections'), current_setting('synchronous_commit'), " +
  "current_setting('fsync'), (SELECT count(*) FROM pg_stat_activity WHERE application_name = 'aico'), " +
  "coalesce((SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()), 'none')";

/** Reads the state of the database from the server. @param sealed the columns that are sealed, by table */
export async function databaseStatus(
  connection: PostgresConnection,
  sealed: Readonly<Record<string, readonly string[]>>,
): Promise<Pick<DatabaseStatus, 'bytes' | 'clear' | 'tables' | 'migrations' | 'details'>> {
  const names = (await connection.one(TABLES)).rows.map(([name]) => String(name));
  const tables: { name: string; rows: number }[] = [];
  for (const name of names) {
    const { rows } = await connection.one(`SELECT count(*) FROM ${quotedName(name)}`);
    tables.push({ name, rows: Number(rows[0]?.[0]) });
  }
  const columns = (await connection.one(COLUMNS)).rows.map(([table, column]) => ({
    table: String(table),
    column: String(column),
  }));
  const clear = names.flatMap((table) => {
    const open = columns
      .filter((found) => found.table === table && sealed[table]?.includes(found.column) !== true)
      .map(({ column }) => column);
    return open.length === 0 ? [] : [{ table, columns: open }];
  });
  const applied = await connection.one(
    'SELECT owner, id, applied_at FROM _aico_migrations ORDER BY owner COLLATE "C", position',
  );
  const [bytes, most, commits, fsync, connections, tls] = (await connection.one(FACTS)).rows[0] ?? [];
  return {
    bytes: Number(bytes),
    clear,
    tables,
    migrations: applied.rows.map(([owner, id, appliedAt]) => ({
      owner: String(owner),
      id: String(id),
      appliedAt: String(appliedAt),
    })),
    details: {
      TLS: String(tls),
      'synchronous commit': String(commits),
      fsync: String(fsync),
      connections: Number(connections),
      'connections of the server': Number(most),
    },
  };
}
