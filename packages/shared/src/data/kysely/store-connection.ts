import { type CompiledQuery, type DatabaseConnection, type QueryResult, SelectQueryNode } from 'kysely';
import type { Database, OpenTransaction, Queryable, SqlParameter, Transaction } from '../types.ts';
import { Savepoint } from './savepoint.ts';

/** A connection for Kysely: a database or transaction, and the transaction and savepoints that Kysely has begun on it. */
export class StoreConnection implements DatabaseConnection {
  readonly #target: Database | Transaction;
  #begun: OpenTransaction | undefined;
  readonly #savepoints: Savepoint[] = [];

  constructor(target: Database | Transaction) {
    this.#target = target;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { rows, changes, lastRowId } = await this.#current().execute<R>(query.sql, parametersOf(query));
    if (SelectQueryNode.is(query.query)) return { rows: [...rows] };
    return {
      rows: [...rows],
      numAffectedRows: BigInt(changes),
      ...(lastRowId === undefined ? {} : { insertId: BigInt(lastRowId) }),
    };
  }

  async *streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    const current = this.#current();
    if (!isDatabase(current)) {
      // Transactions have no streams, so all rows are one chunk.
      yield await this.executeQuery<R>(query);
      return;
    }
    let rows: R[] = [];
    for await (const row of current.stream<R>(query.sql, parametersOf(query))) {
      rows.push(row);
      if (rows.length < chunkSize) continue;
      yield { rows };
      rows = [];
    }
    if (rows.length > 0) yield { rows };
  }

  async begin(readOnly: boolean): Promise<void> {
    if (isDatabase(this.#target)) this.#begun = await this.#target.begin({ readOnly });
    else this.#savepoints.push(await Savepoint.open('', this.#target));
  }

  async commit(): Promise<void> {
    for (const savepoint of this.#savepoints.splice(0).reverse()) await savepoint.release();
    await this.#begun?.commit();
    this.#begun = undefined;
  }

  async rollback(): Promise<void> {
    for (const savepoint of this.#savepoints.splice(0).reverse()) await savepoint.rollBack();
    await this.#begun?.rollback();
    this.#begun = undefined;
  }

  async openSavepoint(name: string): Promise<void> {
    const current = this.#current();
    if (isDatabase(current)) throw new TypeError('a savepoint requires a transaction');
    this.#savepoints.push(await Savepoint.open(name, current));
  }

  /** Rolls back to the savepoint, which stays open. */
  async rollbackTo(name: string): Promise<void> {
    for (const savepoint of this.#removeDownTo(name)) await savepoint.rollBack();
    await this.openSavepoint(name);
  }

  async release(name: string): Promise<void> {
    for (const savepoint of this.#removeDownTo(name)) await savepoint.release();
  }

  #current(): Database | Transaction {
    return this.#savepoints.at(-1)?.transaction ?? this.#begun ?? this.#target;
  }

  /** Removes the savepoints down to the one called `name`. @returns them, the innermost first */
  #removeDownTo(name: string): readonly Savepoint[] {
    const at = this.#savepoints.findLastIndex((savepoint) => savepoint.name === name);
    if (at === -1) throw new TypeError(`there is no savepoint ${name}`);
    return this.#savepoints.splice(at).reverse();
  }
}

function isDatabase(target: Queryable): target is Database {
  return 'begin' in target;
}

/** `execute` itself checks the types of the values. */
function parametersOf(query: CompiledQuery): readonly SqlParameter[] {
  return query.parameters as readonly SqlParameter[];
}
