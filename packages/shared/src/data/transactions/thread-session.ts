import type { Readers } from '../reads/readers.ts';
import type { Call, Layouts } from '../threads/calls.ts';
import type { EngineThread } from '../threads/engine-thread.ts';
import type { Writer } from '../writes/writer.ts';
import type { SessionRequest } from './open-transactions.ts';
import { openedAt, type SessionLink } from './transaction-session.ts';

interface ThreadSessionOptions {
  readonly readers: Readers;
  readonly writer: Writer;
  /** A number that no other transaction or stream has. */
  readonly nextId: () => number;
  /** @throws when the database is closed */
  readonly refuseUnlessOpen: () => void;
}

/** A transaction of SQLite, which has the writer or a reader thread until it ends. */
export class ThreadSession implements SessionLink {
  /** SQLite has one writer. */
  readonly isConflicted = false;
  readonly #thread: EngineThread;
  readonly #id: number;
  readonly #readOnly: boolean;
  readonly #release: () => void;
  readonly #layouts: Layouts;

  private constructor(thread: EngineThread, id: number, readOnly: boolean, release: () => void) {
    this.#thread = thread;
    this.#id = id;
    this.#readOnly = readOnly;
    this.#release = release;
    // Transactions share the writer's connection and its layouts; a reader's session has a separate connection.
    this.#layouts = readOnly ? new Map() : thread.layouts;
  }

  static async open(
    { readers, writer, nextId, refuseUnlessOpen }: ThreadSessionOptions,
    { readOnly, owner, origin }: SessionRequest,
  ): Promise<ThreadSession> {
    if (!readOnly) writer.refuseIfClosed();
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
      const id = nextId();
      await thread.operation({ name: 'begin', session: id });
      return new ThreadSession(thread, id, readOnly, release);
    } catch (error) {
      release();
      throw error;
    }
  }

  send(calls: readonly Call[], onRolledBack: () => void): void {
    this.#thread.batch(this.#id, calls, this.#layouts, (rolledBack) => {
      if (rolledBack) onRolledBack();
    });
  }

  async control(sql: string): Promise<void> {
    await this.#thread.operation({ name: 'control', session: this.#id, sql });
  }

  async commit(): Promise<void> {
    if (this.#readOnly) {
      await this.end();
      return;
    }
    await this.#thread.operation({ name: 'control', session: this.#id, sql: 'COMMIT' });
    this.#release();
  }

  async end(): Promise<void> {
    try {
      await this.#thread.operation({ name: 'end', session: this.#id });
    } catch {
      // Only a thread that ended cannot do this: the transaction ended with it, and the crash has been reported.
    }
    this.#release();
  }
}
