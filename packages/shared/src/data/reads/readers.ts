import type { Logger } from '../../core/logging/types.ts';
import type { Operation } from '../engine/wire.ts';
import { ownerOf } from '../statements/statement-registry.ts';
import type { Call } from '../threads/calls.ts';
import type { EngineThread } from '../threads/engine-thread.ts';
import type { RunningStatement } from '../threads/thread-watch.ts';
import type { OverdueStatement } from '../types.ts';
import { OverdueStatements } from './overdue-statements.ts';
import { ReadPool } from './read-pool.ts';
import { type SessionHolder, type SessionLease, SessionThreads } from './session-threads.ts';

interface ReadersOptions {
  readonly writer: EngineThread;
  /** Calls `work` at once, or when the transaction that has the writer ends. */
  readonly outsideTransactions: (work: () => void) => void;
  /** Threads of the pool. */
  readonly count: number;
  readonly startThread: (name: string) => EngineThread;
  readonly limitMs: number;
  readonly logger: Logger | undefined;
}

/** The number of threads that slow statements may occupy in addition to the pool. */
const MAX_SLOW = 8;

/**
 * Runs all reads: single statements on a shared pool of threads, read-only transactions and row streams on a thread each. A thread
 * with a slow statement is replaced, so that no call waits behind it. A thread with an overdue statement is abandoned.
 */
export class Readers {
  readonly #options: ReadersOptions;
  readonly #pool: ReadPool;
  readonly #sessions: SessionThreads;
  readonly #overdue: OverdueStatements;
  /** Threads that were replaced and still run a slow statement. */
  readonly #slow = new Set<EngineThread>();
  /** Milliseconds that a statement may take once the database closes. */
  #graceMs: number | undefined;

  constructor(options: ReadersOptions) {
    const { writer, outsideTransactions, count } = options;
    if (count < 1) throw new RangeError('a database has at least one reader');
    this.#options = options;
    this.#pool = new ReadPool({
      writer,
      outsideTransactions,
      startReaders: () => Array.from({ length: count }, (_, index) => this.#start(`reader ${index + 1}`)),
    });
    this.#sessions = new SessionThreads((name) => this.#start(name));
    this.#overdue = new OverdueStatements(options.limitMs);
  }

  get threads(): readonly EngineThread[] {
    return [...new Set([...this.#pool.threads, ...this.#sessions.threads, ...this.#slow])];
  }

  /** Abandoned statements that still run. */
  get overdue(): readonly OverdueStatement[] {
    return this.#overdue.list;
  }

  /** @throws {StatementOverdueError} when the same statement is overdue and still runs */
  submit(call: Call): void {
    this.#overdue.refuse(call.statement);
    this.#pool.submit(call);
  }

  /** A thread for short operations of the database itself. */
  leastBusy(): EngineThread {
    return this.#pool.leastBusy();
  }

  /** Runs an operation that reads the whole file in a thread of its own, so that no call waits behind it. */
  async ask(operation: Operation): Promise<unknown> {
    const lease = await this.#sessions.take({
      what: 'read-only transaction',
      owner: undefined,
      statement: undefined,
      openedAt: () => `"${operation.name}" of the database`,
    });
    try {
      return await lease.thread.operation(operation);
    } finally {
      lease.release();
    }
  }

  /** @throws {ReadersTakenError} when no thread becomes free in time */
  async take(holder: SessionHolder): Promise<SessionLease> {
    return await this.#sessions.take(holder);
  }

  /** Replaces the thread of a slow statement if calls wait behind it, and abandons the thread of an overdue one. */
  noteSlow(running: RunningStatement, isOverdue: boolean, thread: EngineThread): void {
    if (isOverdue) this.#abandon(running, thread);
    else if (this.#graceMs === undefined && this.#slow.size < MAX_SLOW && this.#pool.isHeldUpBy(thread)) {
      this.#slow.add(thread);
      void thread.exited.then(() => this.#slow.delete(thread));
      this.#pool.exchange(thread, this.#start(thread.name), thread.takeBack(running));
    }
  }

  #start(name: string): EngineThread {
    const thread = this.#options.startThread(name);
    if (this.#graceMs !== undefined) thread.limitStatements(this.#graceMs);
    return thread;
  }

  #abandon(running: RunningStatement, thread: EngineThread): void {
    const call = thread.callOf(running);
    const holder = this.#sessions.holderOf(thread);
    const statement = call?.statement ?? holder?.statement;
    const owner = statement === undefined ? holder?.owner : ownerOf(statement);
    const since = new Date(Date.now() - running.ms);
    const error = this.#overdue.add(thread, statement, owner, since);
    this.#options.logger?.error('A statement does not end; its thread was abandoned', {
      owner,
      statement: error.statement,
      ms: Math.round(running.ms),
    });
    const unanswered = thread.abandon(running, error);
    if (this.#pool.threads.includes(thread) && this.#graceMs === undefined)
      this.#pool.exchange(thread, this.#start(thread.name), unanswered);
    else for (const { reject } of [...unanswered.calls, ...unanswered.operations]) reject(error);
  }

  /** Completes the accepted reads. Each statement may take `graceMs` from now on. */
  async close(graceMs: number): Promise<void> {
    this.#graceMs = graceMs;
    this.#sessions.refuse();
    for (const thread of this.threads) thread.limitStatements(graceMs);
    await this.#pool.drain();
    const threads = this.threads.filter((thread) => !thread.isAbandoned);
    await Promise.all(threads.map((thread) => thread.close()));
  }

  /** Resolves when no abandoned statement runs any more. */
  async ended(): Promise<void> {
    await this.#overdue.ended();
  }
}
