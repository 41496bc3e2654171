import { createHash } from 'node:crypto';
import type { PendingMigration } from '../engine/wire.ts';
import { splitStatements } from '../sql/sql-text.ts';
import { classifyStatement } from '../sql/statement-guard.ts';
import type { Vocabulary } from '../sql/vocabulary.ts';
import type { Migration, MigrationReport } from '../types.ts';
import { MigrationChangedError, MigrationFailedError } from './errors.ts';
import type { MigrationStore } from './migration-store.ts';

/** SHA-256 of the text, independent of line endings. */
function checksumOf(migration: Migration): string {
  return createHash('sha256').update(migration.sql.replace(/\r\n/g, '\n')).digest('hex');
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
  vocabulary: Vocabulary,
  owner: string,
  migrations: readonly Migration[],
): Promise<MigrationReport> {
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
    if (checksumOf(migration) !== applied.checksum)
      throw new MigrationChangedError(owner, applied.id, 'was applied with different text');
  });
  const pending = migrations.slice(done.length);
  if (pending.length === 0) return { owner, applied: [], alreadyApplied: done.length };
  try {
    await store.apply(
      done.length,
      pending.map((migration) => prepared(migration, vocabulary)),
    );
  } catch (error) {
    const [only] = pending;
    if (only !== undefined && pending.length === 1) throw new MigrationFailedError(owner, only.id, error);
    for (const [index, migration] of pending.entries()) {
      try {
        await store.apply(done.length + index, [prepared(migration, vocabulary)]);
      } catch (reason) {
        throw new MigrationFailedError(owner, migration.id, reason);
      }
    }
  }
  return { owner, applied: pending.map(({ id }) => id), alreadyApplied: done.length };
}

/** Splits and checks the statements of a migration. @throws {StatementRefusedError} */
function prepared(migration: Migration, vocabulary: Vocabulary): PendingMigration {
  const statements = splitStatements(migration.sql);
  for (const statement of statements) classifyStatement(statement, vocabulary, 'migration');
  return { id: migration.id, checksum: checksumOf(migration), statements };
}
