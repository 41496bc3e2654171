import type {
  Database,
  DatabaseState,
  DatabaseStatus,
  Migration,
  MigrationReport,
  OpenTransaction,
  OverdueStatement,
  QueryResult,
  Row,
  SqlDialect,
  SqlParameters,
  StreamOptions,
  Transaction,
  TransactionOptions,
} from '../types.ts';
import type { Lease } from './lease.ts';

/** A database of which every transaction commits only while a lease is held. Streams of rows are not checked. */
export class GuardedDatabase implements Database {
  readonly #inner: Database;
  readonly #lease: Lease;

  constructor(inner: Database, lease: Lease) {
    this.#inner = inner;
    this.#lease = lease;
  }

  get dialect(): SqlDialect {
    return this.#inner.dialect;
  }

  get state(): DatabaseState {
    return this.#inner.state;
  }

  get overdue(): readonly OverdueStatement[] {
    return this.#inner.overdue;
  }

  /** @throws {LeaseLostError} */
  execute<R = Row>(sql: string, params?: SqlParameters): Promise<QueryResult<R>> {
    return this.transaction((tx) => tx.execute<R>(sql, params));
  }

  /** @throws {LeaseLostError} */
  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T> {
    if (options?.readOnly === true) return this.#inner.transaction(work, options);
    return this.#inner.transaction(async (tx) => {
      await this.#lease.guard(tx);
      return await work(tx);
    }, options);
  }

  /** @throws {LeaseLostError} */
  async begin(options?: TransactionOptions): Promise<OpenTransaction> {
    const tx = await this.#inner.begin(options);
    if (options?.readOnly === true) return tx;
    try {
      await this.#lease.guard(tx);
      return tx;
    } catch (error) {
      await tx.rollback();
      throw error;
    }
  }

  stream<R = Row>(sql: string, params?: SqlParameters, options?: StreamOptions): AsyncIterable<R> {
    return this.#inner.stream<R>(sql, params, options);
  }

  migrate(owner: string, migrations: readonly Migration[]): Promise<MigrationReport> {
    return this.#inner.migrate(owner, migrations);
  }

  check(): Promise<void> {
    return this.#inner.check();
  }

  status(): Promise<DatabaseStatus> {
    return this.#inner.status();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
