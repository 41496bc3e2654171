import type { Principal } from '../ownership/principal.ts';
import { splitStatements } from '../sql/sql-text.ts';
import { classifyStatement } from '../sql/statement-guard.ts';
import type { Vocabulary } from '../sql/vocabulary.ts';
import type { OpenTransactions } from '../transactions/open-transactions.ts';
import type { Queryable } from '../types.ts';
import type { Writer } from '../writes/writer.ts';
import type { MigrationStore, PreparedMigration } from './migrations.ts';

/** The parts of a SQLite database that run migrations. */
interface WriterMigrationParts {
  readonly database: Queryable;
  readonly writer: Writer;
  readonly transactions: OpenTransactions;
  readonly vocabulary: Vocabulary;
  readonly principal: Principal;
  /** The names of tables that migrations may not create. */
  readonly reserved: readonly string[];
}

/** Reads and applies the migrations of one owner in SQLite. */
export class WriterMigrations implements MigrationStore {
  readonly dialect = 'sqlite';
  readonly #parts: WriterMigrationParts;

  constructor(parts: WriterMigrationParts) {
    this.#parts = parts;
  }

  async applied(): Promise<readonly { readonly id: string; readonly checksum: string }[]> {
    const { database, principal } = this.#parts;
    const { rows } = await database.execute<{ id: string; checksum: string }>(
      'SELECT id, checksum FROM _aico_migrations WHERE owner = ? ORDER BY position',
      [principal.owner],
    );
    return rows;
  }

  /** @throws {StatementRefusedError} */
  async apply(position: number, migrations: readonly PreparedMigration[]): Promise<true> {
    const { writer, transactions, vocabulary, principal, reserved } = this.#parts;
    const pending = migrations.map(({ id, checksum, sql }) => {
      const statements = splitStatements(sql);
      for (const statement of statements) classifyStatement(statement, vocabulary, 'migration');
      return { id, checksum, statements };
    });
    writer.refuseIfClosed();
    transactions.noteWaiting({ shape: 'migration' });
    await writer.alone({ name: 'migrate', principal, reserved, position, migrations: pending });
    return true;
  }
}
