import type { Principal } from '../ownership/principal.ts';
import type { TransactionSession } from '../transactions/transaction-session.ts';
import type { Queryable } from '../types.ts';
import type { AppliedMigration, MigrationStore } from './migrations.ts';

export interface MigrationStoreOptions {
  readonly database: Queryable;
  readonly openSession: () => Promise<TransactionSession>;
  /** In whose name the migrations run. */
  readonly principal: Principal;
  /** Names that only the backend's own migrations may give to a table. */
  readonly reserved: readonly string[];
}

/** Runs migrations on the store's transactions. The engine records whose every table and view is. */
export function migrationStore({
  database,
  openSession,
  principal,
  reserved,
}: MigrationStoreOptions): MigrationStore {
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
        for (const sql of statements) await session.perform({ name: 'migrate', sql, principal, reserved });
        await session.perform({ name: 'check-schema', principal });
        const record = [owner, migration.id, migration.checksum, new Date().toISOString()].map(text);
        await session.control(
          `INSERT INTO _aico_migrations (owner, id, checksum, applied_at, position) VALUES (${record.join(', ')}, ${position})`,
        );
        await session.commit();
      } catch (error) {
        await session.rollback();
        throw error;
      }
    },
  };
}

function text(value: string): string {
  return `'${value.replace(/'/g, "''")}'`;
}
