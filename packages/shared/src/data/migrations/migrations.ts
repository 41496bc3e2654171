import { createHash } from 'node:crypto';
import type { Migration, MigrationReport, SqlDialect } from '../types.ts';
import { MigrationChangedError, MigrationFailedError } from './errors.ts';

/** A migration in the dialect of the engine, and the checksum of that text. */
export interface PreparedMigration {
  readonly id: string;
  readonly sql: string;
  readonly checksum: string;
}

/** The migrations of one owner in an engine. */
export interface MigrationStore {
  readonly dialect: SqlDialect;
  /** The applied migrations, in order. */
  applied(): Promise<readonly { readonly id: string; readonly checksum: string }[]>;
  /**
   * Runs migrations and records them from `position` on, all in one transaction.
   * @returns `false` if another process has applied migrations of the owner meanwhile, and nothing was done
   */
  apply(position: number, migrations: readonly PreparedMigration[]): Promise<boolean>;
}

/** The text of a migration for an engine. */
export function migrationText({ sql }: Migration, dialect: SqlDialect): string {
  return typeof sql === 'string' ? sql : sql[dialect];
}

function prepared(migration: Migration, dialect: SqlDialect): PreparedMigration {
  const sql = migrationText(migration, dialect);
  // The checksum does not depend on line endings.
  const checksum = createHash('sha256').update(sql.replace(/\r\n/g, '\n')).digest('hex');
  return { id: migration.id, sql, checksum };
}

/**
 * Applies the pending migrations of `owner`. The applied ones must be an unchanged prefix of the list. The others run in order, in
 * one transaction; if that fails, they run again in one transaction each, so that those before the failing one stay applied.
 *
 * @throws {MigrationChangedError} before any change
 * @throws {MigrationFailedError} when a migration fails
 */
export async function applyMigrations(
  store: MigrationStore,
  owner: string,
  listed: readonly Migration[],
): Promise<MigrationReport> {
  const migrations = listed.map((migration) => prepared(migration, store.dialect));
  migrations.forEach((migration, index) => {
    const before = migrations[index - 1];
    if (before !== undefined && !(before.id < migration.id))
      throw new MigrationChangedError(
        owner,
        migration.id,
        `is listed after ${before.id}: the list is out of order`,
      );
  });
  const done = await store.applied();
  done.forEach((applied, index) => {
    const migration = migrations[index];
    if (migration === undefined)
      throw new MigrationChangedError(owner, applied.id, 'was applied, but is no longer in the list');
    if (migration.id !== applied.id)
      throw new MigrationChangedError(owner, applied.id, `was applied at the position of ${migration.id}`);
    if (migration.checksum !== applied.checksum)
      throw new MigrationChangedError(owner, applied.id, 'was applied with different text');
  });
  const pending = migrations.slice(done.length);
  if (pending.length === 0) return { owner, applied: [], alreadyApplied: done.length };
  try {
    if (!(await store.apply(done.length, pending))) return await applyMigrations(store, owner, listed);
  } catch (error) {
    const [only] = pending;
    if (only !== undefined && pending.length === 1) throw new MigrationFailedError(owner, only.id, error);
    for (const [index, migration] of pending.entries()) {
      try {
        await store.apply(done.length + index, [migration]);
      } catch (reason) {
        throw new MigrationFailedError(owner, migration.id, reason);
      }
    }
  }
  return { owner, applied: pending.map(({ id }) => id), alreadyApplied: done.length };
}
