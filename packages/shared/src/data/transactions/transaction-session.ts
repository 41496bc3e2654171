import type { Logger } from '../../core/logging/types.ts';
import { bindParameters } from '../statements/parameters.ts';
import type { KnownStatement } from '../statements/statement-registry.ts';
import type { StatementResult } from '../statements/statement-result.ts';
import type { Call } from '../threads/calls.ts';
import type { SqlParameters } from '../types.ts';
import { TransactionEndedError, TransactionTimeoutError } from './errors.ts';
import { TransactionEffects } from './transaction-effects.ts';

/** An open transaction of an engine. It receives one call at a time, and nothing after `commit` or `end`. */
export interface SessionLink {
  /** Another transaction changed data that this one used, so `work` must run again from its start. */
  readonly isConflicted: boolean;
  /** Runs statements in order, and settles their calls. Calls `onRolledBack` if one of them ended the transaction. */
  send(calls: readonly Call[], onRolledBack: () => void): void;
  /** Runs SAVEPOINT, RELEASE or ROLLBACK TO after the statements before it. */
  control(sql: string): Promise<void>;
  /** Resolves once the transaction is durable. After a rejection, `end` follows. */
  commit(): Promise<void>;
  /** Rolls back, and gives the connection back. Cancels a statement that still runs. */
  end(): Promise<void>;
}

export interface SessionOptions {
  readonly link: SessionLink;
  readonly readOnly: boolean;
  readonly timeoutMs: number;
  /** Its stack records where the transaction was opened; formatted only when needed. */
  readonly origin: Error;
  readonly logger: Logger | undefined;
}

/** One open transaction of the engine: its statements in order, its deadline and its single end. */
export class TransactionSession {
  readonly readOnly: boolean;
  /** The effects that run once it is durable. */
  readonly effects = new TransactionEffects();
  /** Rejects when the deadline passes or the transaction is ended from outside; never resolves. */
  readonly expired: Promise<never>;
  readonly #options: SessionOptions;
  readonly #timer: NodeJS.Timeout;
  #pending: Call[] = [];
  #scheduled = false;
  #ended: Error | undefined;
  #waitingInside: string | undefined;
  #finished: () => void = () => undefined;
  readonly #reject: (reason: Error) => void;
  /** Resolves when the transaction has ended in the engine. */
  readonly finished: Promise<void>;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.readOnly = options.readOnly;
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => undefined);
    this.expired = promise;
    this.finished = new Promise((resolve) => {
      this.#finished = resolve;
    });
    this.#timer = setTimeout(() => {
      const error = new TransactionTimeoutError(
        options.timeoutMs,
        openedAt(options.origin),
        this.#waitingInside,
      );
      void this.endWith(error);
    }, options.timeoutMs);
    this.#reject = reject;
  }

  /** Whether the transaction met a conflict, so that its work runs again. */
  get isConflicted(): boolean {
    return this.#options.link.isConflicted;
  }

  /** Where the transaction was opened. */
  get origin(): Error {
    return this.#options.origin;
  }

  /** The error for every later use, if the transaction has ended. */
  get ended(): Error | undefined {
    return this.#ended;
  }

  /** A statement was called on the database itself inside this transaction, and must wait for it. */
  noteWaitingInside(statement: string): void {
    if (!this.readOnly) this.#waitingInside ??= statement;
  }

  async execute(statement: KnownStatement, params: SqlParameters | undefined): Promise<StatementResult> {
    if (this.#ended !== undefined) throw this.#ended;
    const bound = bindParameters(statement.placeholders, params);
    return await new Promise<StatementResult>((resolve, reject) => {
      this.#pending.push({ statement, params: bound, resolve, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      process.nextTick(() => this.#flush());
    });
  }

  /** Runs a control statement such as SAVEPOINT, after the statements before it. */
  async control(sql: string): Promise<void> {
    if (this.#ended !== undefined) throw this.#ended;
    this.#flush();
    await this.#options.link.control(sql);
  }

  /** Commits; resolves once it is durable. When the commit fails nothing of it is stored. */
  async commit(): Promise<void> {
    if (this.#ended !== undefined) throw this.#ended;
    this.#flush();
    this.#end(new TransactionEndedError('was committed before'));
    try {
      await this.#options.link.commit();
    } catch (error) {
      this.#ended = new TransactionEndedError('failed to commit and was rolled back', error);
      await this.#letGo();
      throw error;
    }
    this.#finished();
    this.effects.run(this.#options.logger);
  }

  /** Rolls back what was done. */
  async rollback(): Promise<void> {
    await this.abandon(new TransactionEndedError('was rolled back before'));
  }

  /** Rolls back and rejects the caller with `reason`, even while its callback is still waiting. */
  async endWith(reason: Error): Promise<void> {
    this.#reject(reason);
    await this.abandon(reason);
  }

  /** Rolls back and rejects every later use with `reason`. */
  async abandon(reason: Error): Promise<void> {
    if (this.#ended !== undefined) return;
    this.#flush();
    this.#end(reason);
    await this.#letGo();
  }

  readonly #onRolledBack = (): void => {
    void this.abandon(new TransactionEndedError('was rolled back by the statement before'));
  };

  #end(reason: Error): void {
    this.#ended = reason;
    clearTimeout(this.#timer);
  }

  async #letGo(): Promise<void> {
    await this.#options.link.end();
    this.#finished();
  }

  #flush(): void {
    this.#scheduled = false;
    if (this.#pending.length === 0) return;
    const calls = this.#pending;
    this.#pending = [];
    this.#options.link.send(calls, this.#onRolledBack);
  }
}

/** The first line of the stack outside this folder: the code that opened the transaction. */
export function openedAt(origin: Error): string {
  const room = new URL('../', import.meta.url).href;
  const line = origin.stack
    ?.split('\n')
    .slice(1)
    .find((each) => !(each.includes(room) && !each.includes('.test.ts')) && !each.includes('node:internal'));
  return line?.replace(/^\s*at\s+/, '') ?? 'an unknown place';
}
