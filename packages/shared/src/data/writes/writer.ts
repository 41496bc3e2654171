import type { Logger } from '../../core/logging/types.ts';
import type { Failure, Operation } from '../engine/wire.ts';
import type { SessionLease } from '../reads/session-threads.ts';
import type { Call } from '../threads/calls.ts';
import type { EngineThread } from '../threads/engine-thread.ts';
import { DatabaseClosedError } from '../threads/errors.ts';
import type { RunningStatement } from '../threads/thread-watch.ts';
import type { DatabaseState, OverdueStatement } from '../types.ts';
import { OverdueWrite } from './overdue-write.ts';
import { WriteGate } from './write-gate.ts';
import { WriteQueue } from './write-queue.ts';

interface WriterOptions {
  readonly thread: EngineThread;
  readonly file: string;
  /** The time that one write may run before the waiting writes are refused, in milliseconds. */
  readonly waitMs: number;
  /** The time between two checks for free space on a full disk, in milliseconds. */
  readonly roomCheckMs: number;
  readonly logger: Logger | undefined;
  /** Called with the error of every later write, once writes are refused until a restart. */
  readonly onEnded: (refusal: Error) => void;
}

/**
 * Runs all writes: single statements, which share commits, and transactions, each with exclusive use of the only writer thread. It
 * refuses writes while the disk does not accept them or another write is overdue.
 */
export class Writer {
  readonly thread: EngineThread;
  readonly #queue: WriteQueue;
  readonly #gate: WriteGate;
  readonly #overdue: OverdueWrite;
  readonly #logger: Logger | undefined;
  readonly #onEnded: (refusal: Error) => void;
  #closing = false;

  constructor({ thread, file, waitMs, roomCheckMs, logger, onEnded }: WriterOptions) {
    this.thread = thread;
    this.#queue = new WriteQueue(thread);
    this.#overdue = new OverdueWrite(thread, waitMs);
    this.#gate = new WriteGate({
      file,
      tryWrite: () => this.alone({ name: 'try-write' }),
      everyMs: roomCheckMs,
      logger,
    });
    this.#logger = logger;
    this.#onEnded = onEnded;
  }

  get state(): DatabaseState {
    return this.#gate.state;
  }

  /** The write that has exceeded its time limit, if there is one. */
  get overdue(): OverdueStatement | undefined {
    return this.#overdue.statement;
  }

  /** @throws {DiskFullError} @throws {WriteRefusedError} @throws {StorageFailedError} @throws {WriterOverdueError} */
  refuseIfClosed(): void {
    this.#gate.refuseIfClosed();
    const { refusal } = this.#overdue;
    if (refusal !== undefined) throw refusal;
  }

  /** @throws as {@link refuseIfClosed}, and {WriteQueueFullError} */
  submit(call: Call): void {
    this.refuseIfClosed();
    this.#queue.submit(call);
  }

  /** Repeats a call that was left out of a large reply. */
  resubmit(call: Call): void {
    this.#queue.submit(call);
  }

  /** Resolves when the caller has exclusive use of the writer. */
  async take(): Promise<SessionLease> {
    return { thread: this.thread, release: await this.#queue.exclusive() };
  }

  /** Calls `work` at once, or when the transaction that has the writer ends. */
  outsideTransactions(work: () => void): void {
    this.#queue.outsideExclusive(work);
  }

  /** Runs an operation while nothing else is written. */
  async alone(operation: Operation): Promise<unknown> {
    const { thread, release } = await this.take();
    try {
      return await thread.operation(operation);
    } finally {
      release();
    }
  }

  noteFailure(failure: Failure): void {
    this.#gate.note(failure);
    this.#endIfFailed();
  }

  /** Refuses writes until a restart, because `reason` makes them unfindable. */
  lose(reason: Error): void {
    this.#gate.lose(reason);
    this.#endIfFailed();
  }

  /** Reports an overdue write, and after `waitMs` refuses the waiting ones. */
  noteSlow(running: RunningStatement, isOverdue: boolean): void {
    if (!isOverdue) return;
    if (this.#overdue.note(running)) {
      const { owner, statement } = this.#overdue.statement ?? {};
      this.#logger?.error('A write does not end and blocks all other writes', {
        owner,
        statement,
      });
    }
    const { refusal } = this.#overdue;
    if (refusal !== undefined) this.#queue.refuseWaiting(refusal);
    if (!this.#closing) return;
    const { calls } = this.thread.abandon(running, new DatabaseClosedError());
    for (const call of calls) call.reject(new DatabaseClosedError());
  }

  /** Ends the checks of the disk; from now on an overdue write is abandoned. */
  beginClosing(): void {
    this.#closing = true;
    this.#gate.close();
  }

  /**
   * Completes accepted writes, and closes the writer's connection.
   * @returns a description of the steps that failed and that the next opening repeats
   */
  async close({ readersRemain }: { readonly readersRemain: boolean }): Promise<string | undefined> {
    await this.#queue.drain();
    return this.thread.isAbandoned ? 'a statement does not end' : await this.thread.close({ readersRemain });
  }

  /** Refuses the waiting writes and ends the open transactions, once the disk has failed. */
  #endIfFailed(): void {
    if (this.#gate.state.kind !== 'failed') return;
    const refusal = this.#gate.refusal();
    if (refusal === undefined) return;
    this.#queue.refuseWaiting(refusal);
    this.#onEnded(refusal);
  }
}
