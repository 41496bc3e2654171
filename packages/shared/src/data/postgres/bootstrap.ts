import type { PostgresConnection } from './connection.ts';
import { StepFailed } from './connection.ts';
import type { ServerAddress } from './connection-url.ts';
import { DatabaseRightsError, DatabaseTooOldError } from './errors.ts';
import { isServerError } from './failures.ts';
import { lifeInsert } from './life.ts';

/** `security_invoker` views, on which the rights of readers depend, exist since this version. */
const OLDEST = 15;
/** The key of the lock under which the schema is changed; an arbitrary number. */
export const SCHEMA_LOCK = 'SELECT pg_advisory_xact_lock(7034206319)';

/**
 * The database's own tables. `_aico_life` is emptied by the server after a crash (it is UNLOGGED): as long as its token is the same, no
 * number of a transaction was given twice, so that `pg_xact_status` can be trusted.
 */
const TABLES: readonly string[] = [
  'CREATE SCHEMA IF NOT EXISTS aico',
  'CREATE TABLE IF NOT EXISTS aico._aico_migrations (owner TEXT NOT NULL, position BIGINT NOT NULL, id TEXT NOT NULL, ' +
    'checksum TEXT NOT NULL, applied_at TEXT NOT NULL, PRIMARY KEY (owner, position))',
  'CREATE TABLE IF NOT EXISTS aico._aico_owner (owner TEXT PRIMARY KEY, role TEXT NOT NULL UNIQUE)',
  'CREATE UNLOGGED TABLE IF NOT EXISTS aico._aico_life (one INTEGER PRIMARY KEY CHECK (one = 1), token TEXT NOT NULL)',
  'ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC',
];

/** Facts about the server that do not change while it runs. */
export interface ServerFacts {
  readonly version: string;
  /** The number of the database, which makes the names of roles unique among the databases of a server. */
  readonly databaseId: string;
  readonly functions: ReadonlySet<string>;
}

/** Creates the tables of the database itself, if they are missing. @throws {DatabaseTooOldError} @throws {DatabaseRightsError} */
export async function bootstrap(
  connection: PostgresConnection,
  { location }: ServerAddress,
): Promise<ServerFacts> {
  const found = await connection.one(
    "SELECT current_setting('server_version'), current_setting('server_version_num')::int, " +
      '(SELECT oid::text FROM pg_database WHERE datname = current_database()), pg_encoding_to_char(encoding) ' +
      'FROM pg_database WHERE datname = current_database()',
  );
  const [version, number, databaseId, encoding] = found.rows[0] ?? [];
  if (Number(number) < OLDEST * 10_000) throw new DatabaseTooOldError(String(version), OLDEST);
  if (encoding !== 'UTF8')
    throw new DatabaseRightsError(
      `store every text: ${location} has the encoding ${String(encoding)}, not UTF8`,
      undefined,
    );
  try {
    await connection.run(['BEGIN', SCHEMA_LOCK, ...TABLES, lifeInsert(), 'COMMIT'].map((text) => ({ text })));
  } catch (error) {
    await connection.one('ROLLBACK');
    if (error instanceof StepFailed && isServerError(error.cause) && error.cause.code === '42501')
      throw new DatabaseRightsError('create the schema aico', error.cause);
    throw error;
  }
  const functions = await connection.one('SELECT DISTINCT proname::text FROM pg_proc');
  return {
    version: String(version).split(' ')[0] ?? '',
    databaseId: String(databaseId),
    functions: new Set(functions.rows.map(([name]) => String(name))),
  };
}
