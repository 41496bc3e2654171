import type { StatementRegistry } from '../statements/statement-registry.ts';
import type { TransactionScope } from '../transactions/transaction-scope.ts';
import type { OpenTransaction, QueryResult, Row, SqlDialect, SqlParameters, Transaction } from '../types.ts';

/** A transaction with the rights of one owner, whose statements are those of `registry`. */
export class OwnedTransaction implements OpenTransaction {
  readonly #inner: TransactionScope;
  readonly #registry: StatementRegistry;

  constructor(inner: TransactionScope, registry: StatementRegistry) {
    this.#inner = inner;
    this.#registry = registry;
  }

  get dialect(): SqlDialect {
    return this.#inner.dialect;
  }

  execute<R = Row>(sql: string, params?: SqlParameters): Promise<QueryResult<R>> {
    return this.#inner.executeFrom<R>(this.#registry, sql, params);
  }

  transaction<R>(work: (tx: Transaction) => Promise<R>): Promise<R> {
    return this.#inner.transaction((tx) => work(new OwnedTransaction(tx, this.#registry)));
  }

  afterCommit(effect: () => unknown): void {
    this.#inner.afterCommit(effect);
  }

  commit(): Promise<void> {
    return this.#inner.commit();
  }

  rollback(): Promise<void> {
    return this.#inner.rollback();
  }

  /** Unwraps an owner's view of a transaction, and returns other values unchanged. For the data folder only. */
  static innerOf(tx: unknown): unknown {
    return tx instanceof OwnedTransaction ? tx.#inner : tx;
  }
}
