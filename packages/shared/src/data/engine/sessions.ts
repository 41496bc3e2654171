import type { Connection } from '../driver.ts';
import { authorise } from '../ownership/authority.ts';
import { decodePrincipal } from '../ownership/principal.ts';
import type { BoundParameters } from '../statements/bound-parameters.ts';
import type { SqlValue } from '../types.ts';
import { openConnection } from './connection.ts';
import { EngineRefusal } from './failure.ts';
import {
  bindableArguments,
  bytesOfRow,
  type Definition,
  PreparedStatements,
  withExactIntegers,
} from './statements.ts';
import { type EngineData, MAX_RESULT_BYTES, type StreamChunk } from './wire.ts';

const STREAM_ROWS = 256;
const STREAM_BYTES = 256 * 1024;

/** The connection of one read-only transaction or row stream. */
export interface Session {
  readonly connection: Connection;
  readonly statements: PreparedStatements;
  cursor?: { readonly columns: readonly string[]; readonly rows: IterableIterator<SqlValue[]> };
}

/**
 * The connections of a reader thread's read-only transactions and row streams, each with its own snapshot. One closed session
 * keeps its connection for the next.
 */
export class Sessions {
  readonly #data: EngineData;
  readonly #definitions: ReadonlyMap<number, Definition>;
  readonly #progress: Float64Array;
  readonly #open = new Map<number, Session>();
  #spare: Session | undefined;

  constructor(data: EngineData, definitions: ReadonlyMap<number, Definition>, progress: Float64Array) {
    this.#data = data;
    this.#progress = progress;
    this.#definitions = definitions;
  }

  /** Takes a snapshot immediately, not at the first statement. */
  begin(id: number): void {
    const session = this.#spare ?? this.#connect();
    this.#spare = undefined;
    this.#open.set(id, session);
    session.connection.exec('BEGIN');
    session.statements.followSchema();
  }

  get(id: number): Session {
    const session = this.#open.get(id);
    if (session === undefined) throw new EngineRefusal('ENGINE_NO_SESSION', 'the transaction has ended');
    return session;
  }

  end(id: number): void {
    const session = this.#open.get(id);
    if (session === undefined) return;
    this.#open.delete(id);
    session.cursor?.rows.return?.();
    delete session.cursor;
    session.statements.forgetAll();
    if (session.connection.inTransaction) session.connection.exec('ROLLBACK');
    if (this.#spare === undefined) this.#spare = session;
    else session.connection.close();
  }

  startStream(
    id: number,
    {
      sql,
      principal,
      params,
    }: { readonly sql: string; readonly principal: string; readonly params: BoundParameters },
  ): void {
    const session = this.get(id);
    const args = bindableArguments(params);
    const owner = decodePrincipal(principal);
    if (owner !== undefined) authorise(session.connection, owner, sql, args);
    const statement = session.connection.prepare<unknown[], SqlValue[]>(sql);
    if (!statement.reader || !statement.readonly)
      throw new EngineRefusal('ENGINE_NOT_READ_ONLY', 'the statement does not only read');
    const columns = statement.columns().map((column) => column.name);
    session.cursor = { columns, rows: statement.raw().safeIntegers().iterate(args) };
  }

  nextChunk(id: number): StreamChunk {
    const { cursor } = this.get(id);
    const values: SqlValue[] = [];
    if (cursor === undefined) return { columns: [], values, done: true };
    let bytes = 0;
    for (let rows = 0; rows < STREAM_ROWS && bytes < STREAM_BYTES; rows += 1) {
      const next = cursor.rows.next();
      if (next.done === true) return { columns: cursor.columns, values, done: true };
      bytes += bytesOfRow(next.value);
      for (const value of withExactIntegers(next.value)) values.push(value);
    }
    return { columns: cursor.columns, values, done: false };
  }

  forget(statement: number): void {
    for (const session of this.#open.values()) session.statements.forget(statement);
  }

  close(): void {
    for (const id of [...this.#open.keys()]) this.end(id);
    this.#spare?.connection.close();
    this.#spare = undefined;
  }

  #connect(): Session {
    const connection = openConnection(this.#data, 'session');
    const { maxResultBytes = MAX_RESULT_BYTES } = this.#data;
    const statements = new PreparedStatements(connection, this.#definitions, {
      progress: this.#progress,
      maxResultBytes,
    });
    return { connection, statements };
  }
}
