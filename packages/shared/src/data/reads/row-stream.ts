import type { StreamChunk } from '../engine/wire.ts';
import type { BoundParameters } from '../statements/bound-parameters.ts';
import type { KnownStatement } from '../statements/statement-registry.ts';
import { Columns } from '../statements/statement-result.ts';
import type { Row } from '../types.ts';
import { StreamIdleError } from './errors.ts';
import type { SessionHolder, SessionLease } from './session-threads.ts';

interface RowStreamOptions {
  readonly session: number;
  readonly statement: KnownStatement;
  readonly params: BoundParameters;
  readonly holder: SessionHolder;
  readonly lease: SessionLease;
  /** Milliseconds after which a stream that is not read from is ended. */
  readonly idleMs: number;
}

/**
 * Reads row by row from one snapshot. The snapshot ends with the last row, when the consumer leaves the loop, or when no row was
 * requested for `idleMs`: a forgotten iterator would occupy its thread and prevent the log from being truncated.
 */
export async function* streamRows(options: RowStreamOptions): AsyncGenerator<Row, void, undefined> {
  const { session, statement, params, holder, lease, idleMs } = options;
  const { sql, principal } = statement;
  const { thread } = lease;
  let ended: Error | undefined;
  let reading = true;
  let askedAt = performance.now();
  const end = async (): Promise<void> => {
    clearTimeout(timer);
    // If the thread has ended, its session has ended too.
    await thread.operation({ name: 'end', session }).catch(() => undefined);
    lease.release();
  };
  const check = (): void => {
    const left = idleMs - (performance.now() - askedAt);
    if (reading || left > 0) {
      timer = setTimeout(check, reading ? idleMs : left).unref();
      return;
    }
    ended = new StreamIdleError(holder.owner, statement.shape, holder.openedAt(), idleMs);
    void end();
  };
  let timer = setTimeout(check, idleMs).unref();
  const next = async (): Promise<StreamChunk> =>
    (await thread.operation({ name: 'next', session })) as StreamChunk;
  try {
    await thread.operation({ name: 'begin', session });
    await thread.operation({ name: 'stream', session, sql, principal, params });
    let coming = next();
    let layout = Columns.none;
    for (;;) {
      reading = true;
      const { columns, values, done } = await coming;
      reading = false;
      // One chunk is read ahead while the consumer uses the present one.
      if (!done) coming = next();
      coming.catch(() => undefined);
      if (layout === Columns.none) layout = new Columns(columns);
      for (let at = 0; at < values.length; at += columns.length) {
        askedAt = performance.now();
        yield layout.rowAt(values, at);
        if (ended !== undefined) throw ended;
      }
      if (done) return;
    }
  } finally {
    if (ended === undefined) await end();
  }
}
