import type { MigrationStore, PreparedMigration } from '../migrations/migrations.ts';
import { encodePrincipal, type Principal, type ReservedNames } from '../ownership/principal.ts';
import { foldCase } from '../ownership/schema-view.ts';
import { quotedName } from '../sql/sql-text.ts';
import type { Vocabulary } from '../sql/vocabulary.ts';
import { StatementRefusedError } from '../statements/errors.ts';
import { SCHEMA_LOCK } from './bootstrap.ts';
import { commit, TRANSACTION_NUMBER } from './commit.ts';
import { type PostgresConnection, StepFailed } from './connection.ts';
import type { PostgresPool } from './pool.ts';
import { BEGIN, type CallCodec } from './postgres-session.ts';
import { type OwnerRolesOfServer, roleStatement } from './roles.ts';
import { inspectStatement } from './statement-rules.ts';
import { splitScript } from './tokens.ts';

interface MigrationParts {
  readonly control: PostgresPool;
  readonly sessions: PostgresPool;
  readonly roles: OwnerRolesOfServer;
  readonly codec: CallCodec;
  readonly vocabulary: Vocabulary;
  readonly functions: ReadonlySet<string>;
  readonly principal: Principal;
  readonly reserved: ReservedNames;
  readonly location: string;
  readonly refuseWrites: () => void;
}

/** The relations of a role: tables, views and sequences, with their kinds. */
const RELATIONS =
  "SELECT relname::text, relkind::text FROM pg_class WHERE relnamespace = 'aico'::regnamespace AND " +
  "relowner = (SELECT oid FROM pg_roles WHERE rolname = $1) AND relkind IN ('r', 'p', 'v', 'm', 'S') ORDER BY oid";

/** Reads and applies the migrations of one owner in PostgreSQL, one process of all at a time. */
export class PostgresMigrations implements MigrationStore {
  readonly dialect = 'postgres';
  readonly #parts: MigrationParts;

  constructor(parts: MigrationParts) {
    this.#parts = parts;
  }

  async applied(): Promise<readonly { readonly id: string; readonly checksum: string }[]> {
    const { control, principal, codec } = this.#parts;
    try {
      const found = await control.use((connection) => connection.one(APPLIED, ownerOf(principal)));
      return found.rows.map(([id, checksum]) => ({ id: String(id), checksum: String(checksum) }));
    } catch (error) {
      throw await codec.failure(error, BEGIN);
    }
  }

  /** @throws {StatementRefusedError} @returns whether no other process has applied migrations meanwhile */
  async apply(position: number, migrations: readonly PreparedMigration[]): Promise<boolean> {
    const { sessions, control, roles, principal, location, refuseWrites, codec } = this.#parts;
    refuseWrites();
    // A principal without grants has the role that owns its tables.
    const role = await roles.roleOf(encodePrincipal({ ...principal, reads: [], writes: [] }));
    const inspected = migrations.map((migration) => ({
      ...migration,
      statements: this.#inspect(migration.sql),
    }));
    const connection = await sessions.acquire();
    try {
      await connection.run([{ text: 'BEGIN' }, { text: SCHEMA_LOCK }]);
      const done = await connection.one(APPLIED, ownerOf(principal));
      if (done.rows.length !== position) {
        await connection.one('ROLLBACK');
        return false;
      }
      const owner = quotedName(role ?? '');
      await connection.run([
        { text: `GRANT CREATE ON SCHEMA aico TO ${owner}` },
        { text: roleStatement(role) },
      ]);
      for (const { statements } of inspected)
        for (const statement of statements) await this.#run(connection, statement);
      await connection.run([
        { text: roleStatement(undefined) },
        { text: `REVOKE CREATE ON SCHEMA aico FROM ${owner}` },
      ]);
      await this.#grant(connection);
      for (const [index, { id, checksum }] of inspected.entries())
        await connection.one('INSERT INTO _aico_migrations VALUES ($1, $2, $3, $4, $5)', {
          values: [principal.owner, String(position + index), id, checksum, new Date().toISOString()],
          types: [25, 20, 25, 25, 25],
        });
      const number = await connection.one(TRANSACTION_NUMBER);
      await commit(connection, String(number.rows[0]?.[0]), control, location);
      return true;
    } catch (error) {
      if (connection.lost === undefined)
        await connection.one('ROLLBACK').catch((reason: unknown) => connection.destroy(reason));
      throw error instanceof StepFailed ? await codec.failure(error, BEGIN) : error;
    } finally {
      sessions.release(connection);
    }
  }

  #inspect(sql: string): readonly { readonly sql: string; readonly text: string }[] {
    const { vocabulary, functions, principal } = this.#parts;
    const rules = { shapeOf: (text: string) => vocabulary.shapeOf(text), serverFunctions: functions };
    const place = principal.trusted ? 'trusted-migration' : 'migration';
    return splitScript(sql).map((statement) => ({
      sql: statement,
      text: inspectStatement(statement, place, rules).text,
    }));
  }

  async #run(connection: PostgresConnection, { sql, text }: { sql: string; text: string }): Promise<void> {
    const { vocabulary, principal, codec } = this.#parts;
    try {
      await connection.one(text);
    } catch (error) {
      throw await codec.failure(error, {
        shape: vocabulary.shapeOf(sql),
        principal: encodePrincipal(principal),
        kind: 'write',
        sql,
      });
    }
  }

  /** Gives the groups of readers and writers their rights to the tables of the owner, and checks the names of the tables. */
  async #grant(connection: PostgresConnection): Promise<void> {
    const { roles, principal, reserved, vocabulary } = this.#parts;
    const { owner, readers, writers } = roles.ofOwner(principal.owner);
    const { rows } = await connection.one(RELATIONS, { values: [owner], types: [25] });
    const forbidden = new Set(reserved.tables.map(foldCase));
    for (const [name, kind] of rows) {
      const relation = String(name);
      if (!principal.trusted && (forbidden.has(foldCase(relation)) || /^_aico_/i.test(relation)))
        throw new StatementRefusedError(
          vocabulary.shapeOf(`CREATE TABLE ${relation}`),
          'the name is reserved for a part of the backend',
        );
      const quoted = quotedName(relation);
      if (kind === 'v') await connection.one(`ALTER VIEW ${quoted} SET (security_invoker = true)`);
      const what = kind === 'S' ? `SEQUENCE ${quoted}` : `TABLE ${quoted}`;
      await connection.run([
        { text: `GRANT SELECT ON ${what} TO ${quotedName(readers)}` },
        {
          text: `GRANT ${kind === 'S' ? 'USAGE' : 'SELECT, INSERT, UPDATE, DELETE'} ON ${what} TO ${quotedName(writers)}`,
        },
      ]);
    }
  }
}

const APPLIED = 'SELECT id, checksum FROM _aico_migrations WHERE owner = $1 ORDER BY position';

function ownerOf({ owner }: Principal) {
  return { values: [owner], types: [25] };
}
