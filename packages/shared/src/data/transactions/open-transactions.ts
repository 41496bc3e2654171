import { AsyncLocalStorage } from 'node:async_hooks';
import type { Logger } from '../../core/logging/types.ts';
import type { Readers } from '../reads/readers.ts';
import type { TransactionOptions } from '../types.ts';
import type { Writer } from '../writes/writer.ts';
import { openedAt, TransactionSession } from './transaction-session.ts';

const DEFAULT_TIMEOUT_MS = 30_000;

/** The options of a transaction and its owner, which error messages name. */
export interface OwnedOptions extends TransactionOptions {
  readonly owner?: string;
}

export interface OpenTransactionsOptions {
  readonly readers: Readers;
  readonly writer: Writer;
  readonly logger: Logger | undefined;
  /** @throws when the database is closed */
  readonly refuseUnlessOpen: () => void;
}

/** The open transactions. Each uses the writer or a reader thread until it ends. */
export class OpenTransactions {
  readonly #options: OpenTransactionsOptions;
  readonly #sessions = new Set<TransactionSession>();
  /** The transaction whose callback is running. */
  readonly #inside = new AsyncLocalStorage<TransactionSession>();
  #lastId = 0;

  constructor(options: OpenTransactionsOptions) {
    this.#options = options;
  }

  /** The place in the code where each transaction was opened. */
  get origins(): readonly string[] {
    return [...this.#sessions].map(({ origin }) => openedAt(origin));
  }

  /** A number that no other transaction or stream has. */
  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  /** @param origin records where it was opened */
  async open(options: OwnedOptions = {}, origin: Error): Promise<TransactionSession> {
    const { readers, writer, logger, refuseUnlessOpen } = this.#options;
    const { readOnly = false, timeoutMs = DEFAULT_TIMEOUT_MS, owner } = options;
    refuseUnlessOpen();
    if (!readOnly) {
      writer.refuseIfClosed();
      this.noteWaiting({ shape: 'begin of another transaction' });
    }
    const { thread, release } = readOnly
      ? await readers.take({
          what: 'read-only transaction',
          owner,
          statement: undefined,
          openedAt: () => openedAt(origin),
        })
      : await writer.take();
    try {
      refuseUnlessOpen();
      const id = this.nextId();
      await thread.operation({ name: 'begin', session: id });
      const session = new TransactionSession({ thread, id, readOnly, timeoutMs, origin, release, logger });
      this.#sessions.add(session);
      void session.finished.then(() => {
        this.#sessions.delete(session);
      });
      return session;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Runs the callback of a transaction. */
  run<T>(session: TransactionSession, work: () => Promise<T>): Promise<T> {
    return this.#inside.run(session, work);
  }

  /**
   * Notes that a statement sent to the database itself waits for the transaction in whose callback it was sent. Its shape takes
   * longer to make than a write to queue, and is read only where there is such a transaction.
   */
  noteWaiting(statement: { readonly shape: string }): void {
    const inside = this.#inside.getStore();
    if (inside !== undefined && inside.ended === undefined) inside.noteWaitingInside(statement.shape);
  }

  /** Ends the transactions that write: the disk has failed. */
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
