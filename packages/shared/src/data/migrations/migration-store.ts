import type { PendingMigration } from '../engine/wire.ts';
import type { Principal } from '../ownership/principal.ts';
import type { OpenTransactions } from '../transactions/open-transactions.ts';
import type { Queryable } from '../types.ts';
import type { Writer } from '../writes/writer.ts';

/** The parts of a database that run migrations. */
interface MigrationStoreParts {
  readonly database: Queryable;
  readonly writer: Writer;
  readonly transactions: OpenTransactions;
  readonly principal: Principal;
  /** The names of tables that migrations may not create. */
  readonly reserved: readonly string[];
}

/** Reads and applies the migrations of one owner. */
export class MigrationStore {
  readonly #parts: MigrationStoreParts;

  constructor(parts: MigrationStoreParts) {
    this.#parts = parts;
  }

  /** The applied migrations, in order. */
  async applied(): Promise<readonly { readonly id: string; readonly checksum: string }[]> {
    const { database, principal } = this.#parts;
    const { rows } = await database.execute<{ id: string; checksum: string }>(
      'SELECT id, checksum FROM _aico_migrations WHERE owner = ? ORDER BY position',
      [principal.owner],
    );
    return rows;
  }

  /** Runs migrations and records them from `position` on, all in one transaction. */
  async apply(position: number, migrations: readonly PendingMigration[]): Promise<void> {
    const { writer, transactions, principal, reserved } = this.#parts;
    writer.refuseIfClosed();
    transactions.noteWaiting({ shape: 'migration' });
    await writer.alone({ name: 'migrate', principal, reserved, position, migrations });
  }
}
