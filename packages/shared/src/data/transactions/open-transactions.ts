import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../../core/logging/types.ts';
import type { StatementRegistry } from '../statements/statement-registry.ts';
import type { SqlDialect, TransactionOptions } from '../types.ts';
import type { SimulatedConflicts } from './conflicts.ts';
import { TransactionConflictError } from './errors.ts';
import { TransactionScope } from './transaction-scope.ts';
import { openedAt, type SessionLink, TransactionSession } from './transaction-session.ts';

const DEFAULT_TIMEOUT_MS = 30_000;
/** How often the work of a transaction runs at most, if it meets a conflict each time. */
const MOST_RUNS = 30;
/** The longest pause before another run, in milliseconds; it keeps the same transactions from meeting again. */
const LONGEST_PAUSE_MS = 250;

/** The options of a transaction and its owner, which error messages name. */
export interface OwnedOptions extends TransactionOptions {
  readonly owner?: string;
}

/** A transaction that is to be opened. */
export interface SessionRequest {
  readonly readOnly: boolean;
  readonly timeoutMs: number;
  readonly owner: string | undefined;
  /** Records where the transaction was opened. */
  readonly origin: Error;
}

interface OpenTransactionsOptions {
  readonly dialect: SqlDialect;
  readonly open: (request: SessionRequest) => Promise<SessionLink>;
  /** A transaction excludes other writes, so a write on the database itself inside a transaction waits for it. */
  readonly isExclusive: boolean;
  /** The statements of the database itself, which a transaction uses. */
  readonly registry: StatementRegistry;
  readonly conflicts: SimulatedConflicts | undefined;
  /** The error that a test has the commit of an owner's transaction meet. */
  readonly refuseCommit: ((owner: string | undefined) => Error | undefined) | undefined;
  readonly logger: Logger | undefined;
  /** @throws when the database is closed */
  readonly refuseUnlessOpen: () => void;
}

/** The open transactions. Each has a connection or thread of the engine until it ends. */
export class OpenTransactions {
  readonly #options: OpenTransactionsOptions;
  readonly #sessions = new Set<TransactionSession>();
  /** The transaction whose callback is running. */
  readonly #inside = new AsyncLocalStorage<TransactionSession>();

  constructor(options: OpenTransactionsOptions) {
    this.#options = options;
  }

  /** The place in the code where each transaction was opened. */
  get origins(): readonly string[] {
    return [...this.#sessions].map(({ origin }) => openedAt(origin));
  }

  /** Runs `work` in a transaction, and again where it meets a conflict. */
  async run<T>(work: (tx: TransactionScope) => Promise<T>, options?: OwnedOptions): Promise<T> {
    const { conflicts, registry, dialect } = this.#options;
    const origin = new Error('opened here');
    for (let run = 1; ; run += 1) {
      const session = await this.#open(options, origin);
      const scope = new TransactionScope(session, registry, { dialect });
      try {
        const result = await Promise.race([this.#inside.run(session, () => work(scope)), session.expired]);
        const fault = this.#faultOf(options);
        if (fault !== undefined) throw fault;
        const isConflict = session.ended === undefined && conflicts?.inTransaction?.(run) === true;
        if (!isConflict) {
          await scope.commit();
          return result;
        }
        await session.rollback();
      } catch (error) {
        await session.rollback();
        // The work may have replaced the error of the conflict by one of its own.
        if (!session.isConflicted || run === MOST_RUNS) throw error;
        await pause(Math.random() * Math.min(LONGEST_PAUSE_MS, 2 ** run));
      }
    }
  }

  /** Opens a transaction that its caller commits or rolls back. */
  async begin(options?: OwnedOptions): Promise<TransactionScope> {
    const { conflicts, registry, dialect } = this.#options;
    return new TransactionScope(await this.#open(options, new Error('opened here')), registry, {
      dialect,
      refuseCommit: () =>
        this.#faultOf(options) ??
        (conflicts?.inBegun?.() === true ? new TransactionConflictError() : undefined),
    });
  }

  #faultOf({ owner, readOnly = false }: OwnedOptions = {}): Error | undefined {
    return readOnly ? undefined : this.#options.refuseCommit?.(owner);
  }

  /** @param origin records where it was opened */
  async #open(options: OwnedOptions = {}, origin: Error): Promise<TransactionSession> {
    const { open, isExclusive, logger, refuseUnlessOpen } = this.#options;
    const { readOnly = false, timeoutMs = DEFAULT_TIMEOUT_MS, owner } = options;
    refuseUnlessOpen();
    if (!readOnly && isExclusive) this.noteWaiting({ shape: 'begin of another transaction' });
    const link = await open({ readOnly, timeoutMs, owner, origin });
    const session = new TransactionSession({ link, readOnly, timeoutMs, origin, logger });
    this.#sessions.add(session);
    void session.finished.then(() => {
      this.#sessions.delete(session);
    });
    return session;
  }

  /**
   * Notes that a statement sent to the database itself waits for the transaction in whose callback it was sent. Its shape takes
   * longer to make than a write to queue, and is read only where there is such a transaction.
   */
  noteWaiting(statement: { readonly shape: string }): void {
    const inside = this.#inside.getStore();
    if (inside !== undefined && inside.ended === undefined) inside.noteWaitingInside(statement.shape);
  }

  /** Ends the transactions that write: the store has failed. */
  endWriting(reason: Error): void {
    for (const session of this.#sessions) if (!session.readOnly) void session.endWith(reason);
  }

  /** Ends all transactions that have not ended by themselves after `graceMs`. */
  async end(graceMs: number, reason: Error): Promise<void> {
    const open = [...this.#sessions];
    if (open.length === 0) return;
    const { promise: graceOver, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, graceMs);
    await Promise.race([Promise.all(open.map((session) => session.finished)), graceOver]);
    clearTimeout(timer);
    await Promise.all(open.map((session) => session.endWith(reason)));
  }
}
