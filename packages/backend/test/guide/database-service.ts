import type { Logger } from '@aico/shared/core/logging';
import type { Database, SqlParameters } from '@aico/shared/data';

export class DatabaseService {
  readonly #db: Database;
  readonly #logger: Logger;

  constructor(db: Database, logger: Logger) {
    this.#db = db;
    this.#logger = logger;
  }

  /** Durable when it resolves: a statement outside a transaction is a transaction itself. */
  async insertRecord(data: { value1: string; value2: string }): Promise<number | bigint | undefined> {
    const cursor = await this.#db.execute('INSERT INTO table_name (column1, column2) VALUES (?, ?)', [
      data.value1,
      data.value2,
    ]);
    return cursor.lastRowId;
  }

  async queryRecords(filterValue: string) {
    const cursor = await this.#db.execute('SELECT * FROM table_name WHERE column1 = ?', [filterValue]);
    return cursor.fetchAll();
  }

  /** All of it, or none of it. */
  async transactionalOperation(operations: readonly { sql: string; params: SqlParameters }[]): Promise<void> {
    await this.#db.transaction(async (tx) => {
      for (const { sql, params } of operations) await tx.execute(sql, params);
    });
    this.#logger.info('Transaction completed successfully');
  }

  /** The same in the explicit form. */
  async explicitOperation(operations: readonly { sql: string; params: SqlParameters }[]): Promise<void> {
    const tx = await this.#db.begin();
    try {
      for (const { sql, params } of operations) await tx.execute(sql, params);
      await tx.commit();
    } catch (error) {
      await tx.rollback();
      this.#logger.error('Transaction failed, rolled back', { error });
      throw error;
    }
  }
}
