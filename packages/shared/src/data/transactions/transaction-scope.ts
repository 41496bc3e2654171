import type { StatementRegistry } from '../statements/statement-registry.ts';
import type { OpenTransaction, QueryResult, Row, SqlDialect, SqlParameters } from '../types.ts';
import { NestedTransactionOpenError, ReadOnlyTransactionError, TransactionEndedError } from './errors.ts';
import { type Effect, TransactionEffects } from './transaction-effects.ts';
import type { TransactionSession } from './transaction-session.ts';

interface ScopeOptions {
  readonly dialect: SqlDialect;
  /** The number of enclosing transactions. */
  readonly depth?: number;
  /** For tests: the error with which the commit fails, if any. */
  readonly refuseCommit?: (() => Error | undefined) | undefined;
}

/** The public interface of a transaction or of a nested one. */
export class TransactionScope implements OpenTransaction {
  readonly dialect: SqlDialect;
  readonly #session: TransactionSession;
  readonly #registry: StatementRegistry;
  readonly #depth: number;
  readonly #refuseCommit: (() => Error | undefined) | undefined;
  readonly #effects: TransactionEffects;
  #nestedOpen = false;
  #ended: Error | undefined;

  constructor(
    session: TransactionSession,
    registry: StatementRegistry,
    { dialect, depth = 0, refuseCommit }: ScopeOptions,
  ) {
    this.dialect = dialect;
    this.#session = session;
    this.#registry = registry;
    this.#depth = depth;
    this.#refuseCommit = refuseCommit;
    this.#effects = depth === 0 ? session.effects : new TransactionEffects();
  }

  async execute<R = Row>(sql: string, params?: SqlParameters): Promise<QueryResult<R>> {
    return await this.executeFrom<R>(this.#registry, sql, params);
  }

  /** Executes a statement of `registry`, which may belong to another owner. */
  async executeFrom<R>(
    registry: StatementRegistry,
    sql: string,
    params?: SqlParameters,
  ): Promise<QueryResult<R>> {
    this.#refuseUnlessCurrent();
    const statement = registry.get(sql);
    if (this.#session.readOnly && statement.kind === 'write')
      throw new ReadOnlyTransactionError(statement.shape);
    // The caller knows the columns of its statement; they are not checked.
    return (await this.#session.execute(statement, params)) as QueryResult<unknown> as QueryResult<R>;
  }

  async transaction<T>(work: (tx: TransactionScope) => Promise<T>): Promise<T> {
    this.#refuseUnlessCurrent();
    const name = `nested_${this.#depth + 1}`;
    const { dialect } = this;
    const nested = new TransactionScope(this.#session, this.#registry, { dialect, depth: this.#depth + 1 });
    this.#nestedOpen = true;
    try {
      await this.#session.control(`SAVEPOINT ${name}`);
      try {
        const result = await Promise.race([work(nested), this.#session.expired]);
        nested.#close('was ended with the callback');
        await this.#session.control(`RELEASE ${name}`);
        nested.#effects.handUp(this.#effects);
        return result;
      } catch (error) {
        nested.#close('was rolled back');
        nested.#effects.drop();
        if (this.#session.ended === undefined) {
          await this.#session.control(`ROLLBACK TO ${name}`);
          await this.#session.control(`RELEASE ${name}`);
        }
        throw error;
      }
    } finally {
      this.#nestedOpen = false;
    }
  }

  afterCommit(effect: Effect): void {
    this.#refuseUnlessCurrent();
    this.#effects.add(effect);
  }

  async commit(): Promise<void> {
    this.#refuseUnlessCurrent();
    const refusal = this.#refuseCommit?.();
    if (refusal !== undefined) {
      await this.#session.abandon(refusal);
      throw refusal;
    }
    await this.#session.commit();
  }

  /** Has no effect if the transaction has already been rolled back, so that every `catch` may call it. */
  async rollback(): Promise<void> {
    await this.#session.rollback();
  }

  #close(how: string): void {
    this.#ended = new TransactionEndedError(how);
  }

  #refuseUnlessCurrent(): void {
    const ended = this.#session.ended ?? this.#ended;
    if (ended !== undefined) throw ended;
    if (this.#nestedOpen) throw new NestedTransactionOpenError();
  }
}
