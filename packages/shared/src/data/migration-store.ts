import type { AppliedMigration, MigrationStore } from './migrations.ts';
import { changeBetween, type SchemaObject } from './ownership/migration-objects.ts';
import { type Principal, refuseForeign } from './ownership/ownership.ts';
import type { StatementRegistry } from './statement-registry.ts';
import type { TransactionSession } from './transaction-session.ts';
import type { Queryable } from './types.ts';

export interface MigrationStoreOptions {
  readonly database: Queryable;
  readonly registry: StatementRegistry;
  readonly openSession: () => Promise<TransactionSession>;
  readonly onApplied: () => void;
  /** In whose name the migrations run. */
  readonly principal: Principal;
}

const OBJECTS = 'SELECT type, name, tbl_name AS "table", sql FROM sqlite_schema';
const OWNERS = 'SELECT name, owner FROM _aico_objects';

/** Runs migrations on the store's transactions, and keeps the record of whose every table, index, view and trigger is. */
export function migrationStore(options: MigrationStoreOptions): MigrationStore {
  const { database, openSession, onApplied } = options;
  return {
    applied: async (owner) => {
      const { rows } = await database.execute<AppliedMigration>(
        'SELECT id, checksum FROM _aico_migrations WHERE owner = ? ORDER BY position',
        [owner],
      );
      return rows;
    },
    apply: async (owner, position, migration, statements) => {
      const session = await openSession();
      try {
        await run(options, session, statements);
        const record = [owner, migration.id, migration.checksum, new Date().toISOString()].map(text);
        await session.control(
          `INSERT INTO _aico_migrations (owner, id, checksum, applied_at, position) VALUES (${record.join(', ')}, ${position})`,
        );
        await session.commit();
        onApplied();
      } catch (error) {
        await session.rollback();
        throw error;
      }
    },
  };
}

async function run(
  { registry, principal }: MigrationStoreOptions,
  session: TransactionSession,
  statements: readonly string[],
): Promise<void> {
  const rows = async (sql: string) => (await session.execute(registry.get(sql), [])).rows;
  const objects = async (): Promise<SchemaObject[]> =>
    (await rows(OBJECTS)).map(({ type, name, table, sql }) => ({
      type: String(type),
      name: String(name),
      table: String(table),
      sql: sql === null ? null : String(sql),
    }));
  const owners = new Map(
    (await rows(OWNERS)).map(({ name, owner }) => [String(name).toLowerCase(), String(owner)]),
  );
  const before = await objects();
  for (const statement of statements) {
    if (!/^\s*pragma\b/i.test(statement)) refuseForeign(principal, await session.tablesOf(statement), owners);
    await session.control(statement);
  }
  const { created, dropped } = changeBetween(before, await objects(), principal, owners);
  for (const name of dropped) await session.control(`DELETE FROM _aico_objects WHERE name = ${text(name)}`);
  for (const name of created)
    await session.control(
      `INSERT INTO _aico_objects (name, owner) VALUES (${text(name)}, ${text(principal.owner)})`,
    );
}

function text(value: string): string {
  return `'${value.replace(/'/g, "''")}'`;
}
