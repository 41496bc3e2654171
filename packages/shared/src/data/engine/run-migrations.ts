import type { Connection } from '../driver.ts';
import { checkObjectsOf, runMigrationStatement } from '../ownership/schema-change.ts';
import { SchemaView } from '../ownership/schema-view.ts';
import type { Operation } from './wire.ts';

export type PendingMigrations = Extract<Operation, { readonly name: 'migrate' }>;

/** A statement of a migration failed, for the reason that is the cause. */
export class MigrationStatementFailed extends Error {
  readonly statement: string;
  constructor(statement: string, cause: unknown) {
    super('a statement of a migration failed', { cause });
    this.statement = statement;
  }
}

/** Runs migrations of an owner in the open transaction, and records them. @throws {MigrationStatementFailed} */
export function runMigrations(
  connection: Connection,
  { principal, reserved, position, migrations }: PendingMigrations,
): void {
  let schema = new SchemaView(connection);
  for (const [index, { id, checksum, statements }] of migrations.entries()) {
    for (const sql of statements) {
      try {
        schema = runMigrationStatement(connection, principal, sql, reserved, schema);
      } catch (error) {
        throw new MigrationStatementFailed(sql, error);
      }
    }
    // The backend itself may use every table. A test checks its migrations, so that a start need not.
    if (!principal.trusted) checkObjectsOf(connection, principal, schema);
    connection
      .prepare(
        'INSERT INTO _aico_migrations (owner, position, id, checksum, applied_at) VALUES (?, ?, ?, ?, ?)',
      )
      .run(principal.owner, BigInt(position + index), id, checksum, new Date().toISOString());
  }
}
