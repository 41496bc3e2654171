import type { StreamChunk } from '../engine/wire.ts';
import { Columns } from '../statements/statement-result.ts';
import type { Row } from '../types.ts';
import { StreamIdleError } from './errors.ts';

/** The rows of a query in chunks, on a connection or thread of their own. */
export interface RowSource {
  /** Opens the snapshot. */
  start(): Promise<void>;
  next(): Promise<StreamChunk>;
  /** Ends the snapshot, and gives the connection or thread back. Never rejects. */
  end(): Promise<void>;
}

/** A statement whose rows are streamed, for errors. */
export interface HeldStatement {
  readonly owner: string | undefined;
  readonly shape: string;
  readonly openedAt: () => string;
}

interface RowStreamOptions {
  readonly source: RowSource;
  readonly held: HeldStatement;
  /** Milliseconds after which a stream that is not read from is ended. */
  readonly idleMs: number;
}

/**
 * Reads row by row from one snapshot. The snapshot ends with the last row, when the consumer leaves the loop, or when no row was
 * requested for `idleMs`: a forgotten iterator would occupy its thread or connection, and prevent the store from reusing the space of the rows in its snapshot.
 */
export async function* streamRows(options: RowStreamOptions): AsyncGenerator<Row, void, undefined> {
  const { source, held, idleMs } = options;
  let ended: Error | undefined;
  let reading = true;
  let askedAt = performance.now();
  const end = async (): Promise<void> => {
    clearTimeout(timer);
    await source.end();
  };
  const check = (): void => {
    const left = idleMs - (performance.now() - askedAt);
    if (reading || left > 0) {
      timer = setTimeout(check, reading ? idleMs : left).unref();
      return;
    }
    ended = new StreamIdleError(held.owner, held.shape, held.openedAt(), idleMs);
    void end();
  };
  let timer = setTimeout(check, idleMs).unref();
  try {
    await source.start();
    let coming = source.next();
    let layout = Columns.none;
    for (;;) {
      reading = true;
      const { columns, values, done } = await coming;
      reading = false;
      // One chunk is read ahead while the consumer uses the present one.
      if (!done) coming = source.next();
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
