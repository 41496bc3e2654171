import { ROOT } from '../ownership/principal.ts';
import type { BoundParameters } from '../statements/bound-parameters.ts';
import type { KnownStatement } from '../statements/statement-registry.ts';
import type { StatementResult } from '../statements/statement-result.ts';
import type { Call } from '../threads/calls.ts';
import { TransactionConflictError, TransactionEndedError } from '../transactions/errors.ts';
import type { SessionRequest } from '../transactions/open-transactions.ts';
import type { SessionLink } from '../transactions/transaction-session.ts';
import type { StepResult } from './batch.ts';
import { commit, TRANSACTION_NUMBER_IF_ANY } from './commit.ts';
import { type PostgresConnection, type Statement, StepFailed } from './connection.ts';
import { isConflict } from './failures.ts';
import type { PostgresPool } from './pool.ts';
import { roleStatement } from './roles.ts';

/** The part of a statement that its errors need. */
export type NamedStatement = Pick<KnownStatement, 'shape' | 'principal' | 'kind' | 'sql'>;

/** Translates a call to the wire and back. */
export interface CallCodec {
  readonly maxResultBytes: number;
  encode(statement: KnownStatement, params: BoundParameters): Statement;
  result(statement: KnownStatement, step: StepResult): StatementResult;
  failure(error: unknown, statement: NamedStatement): Promise<Error>;
  roleOf(statement: NamedStatement): Promise<string | undefined>;
}

interface SessionParts {
  readonly sessions: PostgresPool;
  readonly control: PostgresPool;
  readonly location: string;
  readonly codec: CallCodec;
  /** Refuses a commit of a transaction that has written. */
  readonly refuseWrites: () => void;
}

const READ_WRITE = 'BEGIN ISOLATION LEVEL SERIALIZABLE';
const READ_ONLY = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY';
/** The limit of the server must not be shorter than that of the transaction, whose error is better. */
const IDLE_GRACE_MS = 10_000;

/**
 * A transaction of PostgreSQL on a connection of its own. Each statement runs in a savepoint, because the server refuses all others
 * after an error.
 */
export class PostgresSession implements SessionLink {
  readonly #connection: PostgresConnection;
  readonly #parts: SessionParts;
  readonly #readOnly: boolean;
  #role: string | undefined;
  #isConflicted = false;
  #isEnding = false;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(connection: PostgresConnection, parts: SessionParts, readOnly: boolean) {
    this.#connection = connection;
    this.#parts = parts;
    this.#readOnly = readOnly;
  }

  static async open(parts: SessionParts, { readOnly, timeoutMs }: SessionRequest): Promise<PostgresSession> {
    if (!readOnly) parts.refuseWrites();
    const connection = await parts.sessions.acquire();
    try {
      await connection.run([
        { text: readOnly ? READ_ONLY : READ_WRITE },
        { text: `SET LOCAL idle_in_transaction_session_timeout = ${Math.ceil(timeoutMs) + IDLE_GRACE_MS}` },
      ]);
      return new PostgresSession(connection, parts, readOnly);
    } catch (error) {
      connection.destroy(error);
      parts.sessions.release(connection);
      throw await parts.codec.failure(error, BEGIN);
    }
  }

  get isConflicted(): boolean {
    return this.#isConflicted;
  }

  send(calls: readonly Call[], onRolledBack: () => void): void {
    for (const call of calls) void this.#inOrder(() => this.#execute(call, onRolledBack));
  }

  async control(sql: string): Promise<void> {
    await this.#inOrder(async () => {
      try {
        await this.#connection.one(sql);
      } catch (error) {
        throw await this.#parts.codec.failure(this.#note(error), BEGIN);
      } finally {
        // Rolling back to a savepoint restores its role.
        if (sql.startsWith('ROLLBACK')) this.#role = UNKNOWN_ROLE;
      }
    });
  }

  async commit(): Promise<void> {
    await this.#last;
    const { control, location, codec, refuseWrites } = this.#parts;
    try {
      if (this.#readOnly) await this.#connection.one('COMMIT');
      else {
        const found = await this.#connection.one(TRANSACTION_NUMBER_IF_ANY);
        const number = found.rows[0]?.[0] ?? undefined;
        if (number !== undefined) refuseWrites();
        await commit(this.#connection, number === undefined ? undefined : String(number), control, location);
      }
    } catch (error) {
      throw error instanceof StepFailed ? await codec.failure(this.#note(error), BEGIN) : error;
    }
    this.#parts.sessions.release(this.#connection);
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    this.#connection.cancel();
    await this.#last;
    await this.#connection.one('ROLLBACK').catch((error: unknown) => this.#connection.destroy(error));
    this.#parts.sessions.release(this.#connection);
  }

  async #execute(call: Call, onRolledBack: () => void): Promise<void> {
    const { statement, params, resolve, reject } = call;
    const { codec } = this.#parts;
    if (this.#isEnding) {
      reject(new TransactionEndedError('has ended'));
      return;
    }
    try {
      const role = await codec.roleOf(statement);
      const before = role === this.#role ? [] : [{ text: roleStatement(role) }];
      const steps = [...before, SAVEPOINT, codec.encode(statement, params), RELEASE];
      const results = await this.#runAgainIfStale(steps);
      this.#role = role;
      const result = results[results.length - 2];
      if (result !== undefined) resolve(codec.result(statement, result));
    } catch (error) {
      this.#role = UNKNOWN_ROLE;
      reject(await codec.failure(this.#note(error), statement));
      if (this.#connection.lost !== undefined) onRolledBack();
    }
  }

  async #runAgainIfStale(steps: readonly Statement[]) {
    const { maxResultBytes: maxBytes } = this.#parts.codec;
    try {
      return await this.#connection.run(steps, { maxBytes });
    } catch (error) {
      // The rows were too many, but the statement has ended.
      if (error instanceof StepFailed && error.cause === undefined) throw error;
      await this.#undo();
      if (!(error instanceof StepFailed && error.isStale)) throw error;
      try {
        return await this.#connection.run(steps, { maxBytes });
      } catch (again) {
        await this.#undo();
        throw again;
      }
    }
  }

  /** Undoes a failed statement. */
  async #undo(): Promise<void> {
    if (this.#connection.lost !== undefined) return;
    try {
      await this.#connection.run([{ text: 'ROLLBACK TO SAVEPOINT aico_statement' }, RELEASE]);
    } catch (error) {
      this.#connection.destroy(error);
    }
  }

  #note(error: unknown): unknown {
    if (error instanceof StepFailed && isConflict(error.cause)) this.#isConflicted = true;
    if (error instanceof TransactionConflictError) this.#isConflicted = true;
    return error;
  }

  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}

export const BEGIN: NamedStatement = { shape: 'BEGIN', principal: ROOT, kind: 'write', sql: 'BEGIN' };
const SAVEPOINT: Statement = { text: 'SAVEPOINT aico_statement' };
const RELEASE: Statement = { text: 'RELEASE SAVEPOINT aico_statement' };
/** No role has this name, so that the role is set before the next statement. */
const UNKNOWN_ROLE = ' ';
