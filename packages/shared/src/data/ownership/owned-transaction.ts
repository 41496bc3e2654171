import type { OpenTransaction, QueryResult, Row, SqlParameters, Transaction } from '../types.ts';
import type { Permits } from './permits.ts';

/** A transaction in the name of one owner. Statements keep the order in which they were sent. */
export class OwnedTransaction<T extends Transaction> implements Transaction {
  protected readonly inner: T;
  readonly #permits: Permits;
  #last: Promise<unknown> | undefined;

  constructor(inner: T, permits: Permits) {
    this.inner = inner;
    this.#permits = permits;
  }

  async execute<R = Row>(sql: string, params?: SqlParameters): Promise<QueryResult<R>> {
    if (this.#last === undefined && this.#permits.has(sql)) return await this.inner.execute<R>(sql, params);
    const before = this.#last;
    const permit = this.#permits.obtain(sql, params);
    const turn = Promise.allSettled([before, permit]);
    this.#last = turn;
    await turn;
    if (this.#last === turn) this.#last = undefined;
    return await this.inner.execute<R>(sql, await permit);
  }

  async transaction<R>(work: (tx: Transaction) => Promise<R>): Promise<R> {
    await this.settled();
    return await this.inner.transaction((tx) => runOwned(tx, this.#permits, work));
  }

  /** Resolves when everything that was sent is with the database. */
  protected async settled(): Promise<void> {
    while (this.#last !== undefined) await this.#last;
  }

  afterCommit(effect: () => unknown): void {
    this.inner.afterCommit(effect);
  }

  /** What stands behind an owner's view; anything else as it is. For this room and its neighbours alone. */
  static innerOf(tx: unknown): unknown {
    return tx instanceof OwnedTransaction ? OwnedTransaction.innerOf(tx.inner) : tx;
  }

  static async settle(transaction: OwnedTransaction<Transaction>): Promise<void> {
    await transaction.settled();
  }
}

/** The same in the explicit form. */
export class OwnedOpenTransaction extends OwnedTransaction<OpenTransaction> implements OpenTransaction {
  async commit(): Promise<void> {
    await this.settled();
    await this.inner.commit();
  }

  async rollback(): Promise<void> {
    await this.inner.rollback();
  }
}

/** Runs a callback with `tx` in the owner's name. */
export async function runOwned<R>(
  tx: Transaction,
  permits: Permits,
  work: (tx: Transaction) => Promise<R>,
): Promise<R> {
  const owned = new OwnedTransaction(tx, permits);
  const result = await work(owned);
  await OwnedTransaction.settle(owned);
  return result;
}
