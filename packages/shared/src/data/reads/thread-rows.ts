import type { StreamChunk } from '../engine/wire.ts';
import type { BoundParameters } from '../statements/bound-parameters.ts';
import type { KnownStatement } from '../statements/statement-registry.ts';
import type { RowSource } from './row-stream.ts';
import type { SessionLease } from './session-threads.ts';

interface ThreadRowsOptions {
  readonly session: number;
  readonly statement: KnownStatement;
  readonly params: BoundParameters;
  readonly lease: SessionLease;
}

/** The rows of a query of SQLite, on a reader thread. */
export class ThreadRows implements RowSource {
  readonly #options: ThreadRowsOptions;

  constructor(options: ThreadRowsOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { session, statement, params, lease } = this.#options;
    const { sql, principal } = statement;
    await lease.thread.operation({ name: 'begin', session });
    await lease.thread.operation({ name: 'stream', session, sql, principal, params });
  }

  async next(): Promise<StreamChunk> {
    const { session, lease } = this.#options;
    return (await lease.thread.operation({ name: 'next', session })) as StreamChunk;
  }

  async end(): Promise<void> {
    const { session, lease } = this.#options;
    // If the thread has ended, its session has ended too.
    await lease.thread.operation({ name: 'end', session }).catch(() => undefined);
    lease.release();
  }
}
