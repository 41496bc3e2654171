import type { Logger } from '../../core/logging/types.ts';
import type { Failure, Operation } from '../engine/wire.ts';
import { DatabaseClosedError } from '../errors.ts';
import type { SessionLease } from '../reads/session-threads.ts';
import type { Call } from '../threads/calls.ts';
import type { EngineThread } from '../threads/engine-thread.ts';
import type { RunningStatement } from '../threads/thread-watch.ts';
import type { DatabaseState, OverdueStatement } from '../types.ts';
import { OverdueWrite } from './overdue-write.ts';
import { WriteGate } from './write-gate.ts';
import { WriteQueue } from './write-queue.ts';

export interface WriterOptions {
  readonly thread: EngineThread;
  readonly file: string;
  /** Milliseconds that one write may run before those that wait for the writer are refused. */
  readonly waitMs: number;
  /** Milliseconds between two checks whether a full disk has room again. */
  readonly roomCheckMs: number;
  readonly logger: Logger | undefined;
  /** Receives the error of every later write, once no more are taken until a restart. */
  readonly onEnded: (refusal: Error) => void;
}

/**
 * Everything that writes: single statements, which share commits, and transactions, which have the one writer thread for
 * themselves in their turn. Refuses writes while the disk does not take them, or a write does not end.
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

  /** The write that runs longer than it may, if there is one. */
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

  /** Sends a call again that was left out of a large answer. */
  resubmit(call: Call): void {
    this.#queue.submit(call);
  }

  /** Resolves when the writer is the caller's alone. */
  async take(): Promise<SessionLease> {
    return { thread: this.thread, release: await this.#queue.exclusive() };
  }

  /** Runs an operation while nothing else is written. */
  async alone(operation: Operation): Promise<void> {
    const { thread, release } = await this.take();
    try {
      await thread.operation(operation);
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

  /** Reports an overdue write, and in the end refuses what waits for the writer. */
  noteSlow(running: RunningStatement, isOverdue: boolean): void {
    if (!isOverdue) return;
    if (this.#overdue.note(running)) {
      const { owner, statement } = this.#overdue.statement ?? {};
      this.#logger?.error('A write does not end; nothing else is written until it does', {
        owner,
        statement,
      });
    }
    const { refusal } = this.#overdue;
    if (refusal !== undefined) this.#queue.refuseWaiting(refusal);
    if (!this.#closing) return;
    const { calls } = this.thread.giveUp(running, new DatabaseClosedError());
    for (const call of calls) call.reject(new DatabaseClosedError());
  }

  /** From now on the disk is not asked again, and an overdue write is given up. */
  beginClosing(): void {
    this.#closing = true;
    this.#gate.close();
  }

  /**
   * Completes accepted writes, and closes the writer's connection.
   * @returns what could not be done, and is left to the next opening
   */
  async close({ readersRemain }: { readonly readersRemain: boolean }): Promise<string | undefined> {
    await this.#queue.drain();
    return this.thread.isGivenUp ? 'a statement does not end' : await this.thread.close({ readersRemain });
  }

  /** Once the disk has failed nothing is waited for: waiting writes are refused, and open transactions are ended. */
  #endIfFailed(): void {
    if (this.#gate.state.kind !== 'failed') return;
    const refusal = this.#gate.refusal();
    if (refusal === undefined) return;
    this.#queue.refuseWaiting(refusal);
    this.#onEnded(refusal);
  }
}
