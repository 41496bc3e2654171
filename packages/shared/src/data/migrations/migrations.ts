import { createHash } from 'node:crypto';
import { MigrationChangedError, MigrationFailedError } from '../errors.ts';
import { splitStatements } from '../sql/sql-text.ts';
import { classifyStatement } from '../sql/statement-guard.ts';
import type { Vocabulary } from '../sql/vocabulary.ts';
import type { Migration, MigrationReport } from '../types.ts';

export interface AppliedMigration {
  readonly id: string;
  readonly checksum: string;
}

/** The store of migrations: transactions whose statements are not guarded a second time. */
export interface MigrationStore {
  applied(owner: string): Promise<readonly AppliedMigration[]>;
  /** Runs the statements and records the migration, in one transaction. */
  apply(
    owner: string,
    position: number,
    migration: AppliedMigration,
    statements: readonly string[],
  ): Promise<void>;
}

/** SHA-256 of the text, whatever line ends a checkout gave it. */
function checksumOf(migration: Migration): string {
  return createHash('sha256').update(migration.sql.replace(/\r\n/g, '\n')).digest('hex');
}

/**
 * Applies the pending migrations of `owner`. The applied ones must be a prefix of the list, unchanged; each of the others runs
 * in order in its own transaction.
 *
 * @throws {MigrationChangedError} before anything is done
 * @throws {MigrationFailedError} when one fails; those before it remain applied
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
  const done = await store.applied(owner);
  done.forEach((applied, index) => {
    const migration = migrations[index];
    if (migration === undefined)
      throw new MigrationChangedError(owner, applied.id, 'was applied, and is not in the list any more');
    if (migration.id !== applied.id)
      throw new MigrationChangedError(
        owner,
        applied.id,
        `was applied in the place where ${migration.id} stands now`,
      );
    if (checksumOf(migration) !== applied.checksum)
      throw new MigrationChangedError(owner, applied.id, 'was applied with another text');
  });
  const applied: string[] = [];
  for (const [index, migration] of migrations.entries()) {
    if (index < done.length) continue;
    try {
      const statements = splitStatements(migration.sql);
      for (const statement of statements) classifyStatement(statement, vocabulary, 'migration');
      await store.apply(owner, index, { id: migration.id, checksum: checksumOf(migration) }, statements);
    } catch (error) {
      throw new MigrationFailedError(owner, migration.id, error);
    }
    applied.push(migration.id);
  }
  return { owner, applied, alreadyApplied: done.length };
}
