import type { StreamChunk } from '../engine/wire.ts';
import type { RowSource } from '../reads/row-stream.ts';
import type { PostgresConnection, Statement } from './connection.ts';
import type { PostgresPool } from './pool.ts';
import type { CallCodec, NamedStatement } from './postgres-session.ts';
import { roleStatement } from './roles.ts';

/** The size of a chunk that is aimed at, in bytes. */
const CHUNK_BYTES = 1_048_576;
const FIRST_ROWS = 64;
const MOST_ROWS = 4_096;

interface CursorParts {
  readonly sessions: PostgresPool;
  readonly codec: CallCodec;
  readonly statement: NamedStatement;
  readonly query: Statement;
  readonly idleMs: number;
}

/** The rows of a query from one snapshot, fetched in chunks from a cursor of the server. */
export class Cursor implements RowSource {
  readonly #parts: CursorParts;
  #connection: PostgresConnection | undefined;
  #rows = FIRST_ROWS;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: CursorParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    const { sessions, codec, statement, query, idleMs } = this.#parts;
    const role = await codec.roleOf(statement);
    const connection = await sessions.acquire();
    this.#connection = connection;
    try {
      await connection.run([
        { text: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY' },
        { text: `SET LOCAL idle_in_transaction_session_timeout = ${Math.ceil(idleMs) + 60_000}` },
        { text: roleStatement(role) },
        { ...query, text: `DECLARE aico_rows NO SCROLL CURSOR FOR ${query.text}` },
      ]);
    } catch (error) {
      throw await codec.failure(error, statement);
    }
  }

  async next(): Promise<StreamChunk> {
    const { codec, statement } = this.#parts;
    const fetching = this.#fetch();
    this.#last = fetching.catch(() => undefined);
    try {
      return await fetching;
    } catch (error) {
      throw await codec.failure(error, statement);
    }
  }

  async end(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#connection = undefined;
    connection.cancel();
    await this.#last;
    await connection.one('ROLLBACK').catch((error: unknown) => connection.destroy(error));
    this.#parts.sessions.release(connection);
  }

  async #fetch(): Promise<StreamChunk> {
    const connection = this.#connection;
    if (connection === undefined) throw new Error('the stream was closed');
    const asked = this.#rows;
    const { fields, rows } = await connection.one(`FETCH ${asked} FROM aico_rows`);
    let bytes = 0;
    for (const row of rows) for (const value of row) bytes += sizeOf(value);
    if (rows.length > 0)
      this.#rows = Math.min(MOST_ROWS, Math.max(1, Math.floor((CHUNK_BYTES * rows.length) / (bytes + 1))));
    return { columns: fields.map(({ name }) => name), values: rows.flat(), done: rows.length < asked };
  }
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  return value instanceof Uint8Array ? value.byteLength : 8;
}
