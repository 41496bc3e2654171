import type { Logger } from '../core/logging/types.ts';
import type { Call, EngineThread } from './engine-thread.ts';
import { OverdueStatements } from './overdue-statements.ts';
import { ReadPool } from './read-pool.ts';
import { type SessionHolder, type SessionLease, SessionThreads } from './session-threads.ts';
import { ownerOf } from './statement-owner.ts';
import type { RunningStatement } from './thread-watch.ts';
import type { OverdueStatement } from './types.ts';

export interface ReadersOptions {
  readonly threads: readonly EngineThread[];
  readonly startThread: (name: string) => EngineThread;
  readonly limitMs: number;
  readonly logger: Logger | undefined;
}

/**
 * Everything that reads: single statements, which share a few threads, and transactions and streams, which have one each.
 * The thread of a statement that does not end is given up and replaced; all other reads go on.
 */
export class Readers {
  readonly #options: ReadersOptions;
  readonly #pool: ReadPool;
  readonly #sessions: SessionThreads;
  readonly #overdue: OverdueStatements;
  #closing = false;

  constructor(options: ReadersOptions) {
    this.#options = options;
    this.#pool = new ReadPool(options.threads);
    this.#sessions = new SessionThreads(options.startThread);
    this.#overdue = new OverdueStatements(options.limitMs);
  }

  get threads(): readonly EngineThread[] {
    return [...this.#pool.threads, ...this.#sessions.threads];
  }

  /** Statements that were given up and still run. */
  get overdue(): readonly OverdueStatement[] {
    return this.#overdue.list;
  }

  /** @throws {StatementOverdueError} for a statement that runs already without an end */
  submit(call: Call): void {
    this.#overdue.refuse(call.statement);
    this.#pool.submit(call);
  }

  /** A thread for work of the database's own that is quickly done. */
  leastBusy(): EngineThread {
    return this.#pool.leastBusy();
  }

  /** @throws {ReadersTakenError} when all are taken for too long */
  async take(holder: SessionHolder): Promise<SessionLease> {
    return await this.#sessions.take(holder);
  }

  /** Gives up the thread that runs an overdue statement. What else was sent to a shared thread runs in another one. */
  giveUp(running: RunningStatement, thread: EngineThread): void {
    const call = thread.callOf(running);
    const holder = this.#sessions.holderOf(thread);
    const sql = call?.statement.sql ?? holder?.sql ?? '';
    const owner = call === undefined ? holder?.owner : ownerOf(call.statement);
    const since = new Date(Date.now() - running.ms);
    const error = this.#overdue.add(thread, sql, owner, since);
    this.#options.logger?.error('A statement does not end; its thread was given up', {
      owner,
      statement: error.statement,
      ms: Math.round(running.ms),
    });
    const { culprit, others } = thread.giveUp(running, error);
    culprit?.reject(error);
    if (holder === undefined && !this.#closing) {
      this.#pool.exchange(thread, this.#options.startThread(thread.name));
      for (const each of others) this.#pool.submit(each);
    } else for (const each of others) each.reject(error);
  }

  /** Answers what was accepted; a statement may take `graceMs` from now on. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    this.#sessions.refuse();
    for (const thread of this.threads) thread.limitStatements(graceMs);
    await this.#pool.drain();
    const threads = this.threads.filter((thread) => !thread.isGivenUp);
    await Promise.all(threads.map((thread) => thread.close()));
  }

  /** Resolves when no given-up statement runs any more. */
  async ended(): Promise<void> {
    await this.#overdue.ended();
  }
}
