import type { DatabaseConnection, Driver, TransactionSettings } from 'kysely';
import type { Database, Transaction } from '../types.ts';
import { StoreConnection } from './store-connection.ts';

/** Kysely's driver for the database. It needs no connection pool, because the database itself distributes statements to threads. */
export class StoreDriver implements Driver {
  readonly #target: Database | Transaction;

  constructor(target: Database | Transaction) {
    this.#target = target;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return new StoreConnection(this.#target);
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    await own(connection).begin(settings.accessMode === 'read only');
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await own(connection).commit();
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await own(connection).rollback();
  }

  async savepoint(connection: DatabaseConnection, name: string): Promise<void> {
    await own(connection).openSavepoint(name);
  }

  async rollbackToSavepoint(connection: DatabaseConnection, name: string): Promise<void> {
    await own(connection).rollbackTo(name);
  }

  async releaseSavepoint(connection: DatabaseConnection, name: string): Promise<void> {
    await own(connection).release(name);
  }

  async releaseConnection(): Promise<void> {}

  /** Does nothing: the database is closed by the code that opened it. */
  async destroy(): Promise<void> {}
}

function own(connection: DatabaseConnection): StoreConnection {
  if (connection instanceof StoreConnection) return connection;
  throw new TypeError('the connection belongs to another driver');
}
