import { Worker } from 'node:worker_threads';
import type { AicoError } from '@aico/protocol';
import {
  type BatchReply,
  CHANGES_SCHEMA,
  type EngineData,
  type Failure,
  type FromEngine,
  type Operation,
  type StatementBatch,
} from './engine/wire.ts';
import { EngineFailure, errorOf } from './engine-errors.ts';
import { DatabaseClosedError, EngineCrashedError } from './errors.ts';
import type { BoundParameters } from './parameters.ts';
import type { KnownStatement } from './statement-registry.ts';
import { rowOf, StatementResult } from './statement-result.ts';
import type { Row } from './types.ts';

/** A statement on its way to the engine, and whom to tell. */
export interface Call {
  readonly statement: KnownStatement;
  readonly params: BoundParameters;
  readonly resolve: (result: StatementResult) => void;
  readonly reject: (error: Error) => void;
  /** Takes the call over when it turns out to write. */
  readonly reroute?: (call: Call) => void;
}

/** Whom an engine thread tells what concerns more than one caller. */
export interface ThreadEvents {
  onCrash: (error: EngineCrashedError) => void;
  /** Everything that fails in it, before its caller hears of it. */
  onFailure?: (failure: Failure) => void;
}

/** Column names of the statements, by their id, as the connection that runs them has told. */
export type Layouts = Map<number, readonly string[]>;

interface PendingBatch {
  readonly calls: readonly Call[];
  readonly layouts: Layouts;
  /** Statements that the engine has dropped once it answers. */
  readonly forgotten: readonly number[];
  readonly done: (rolledBack: boolean) => void;
}

interface PendingOperation {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Writes of a group whose effects fit in shared memory. */
const SHARED_CALLS = 256;
const NO_NAMES: readonly string[] = [];

/** The main thread's end of an engine thread: sends batches and operations, and settles what they were for. */
export class EngineThread {
  readonly name: string;
  readonly #worker: Worker;
  readonly #file: string;
  readonly #events: ThreadEvents;
  readonly #effects = new Float64Array(
    new SharedArrayBuffer(2 * SHARED_CALLS * Float64Array.BYTES_PER_ELEMENT),
  );
  readonly #exited: Promise<void>;
  readonly #layouts: Layouts = new Map();
  readonly #known = new Set<number>();
  readonly #forget = new Set<number>();
  readonly #batches = new Map<number, PendingBatch>();
  readonly #operations = new Map<number, PendingOperation>();
  #nextId = 1;
  #crash: AicoError | undefined;
  #closing = false;

  constructor(
    name: string,
    data: EngineData,
    events: ThreadEvents,
    script: URL = new URL('./engine/worker.ts', import.meta.url),
  ) {
    this.name = name;
    this.#events = events;
    this.#file = data.file;
    this.#worker = new Worker(script, { workerData: { ...data, effects: this.#effects.buffer }, name });
    this.#worker.on('message', (message: FromEngine) => this.#receive(message));
    this.#exited = new Promise((resolve) => {
      let cause: unknown;
      this.#worker.on('error', (error) => {
        cause = error;
      });
      this.#worker.on('exit', (code) => {
        resolve();
        this.#fail(new EngineCrashedError(this.name, cause ?? new Error(`exit code ${code}`)));
      });
    });
  }

  /** Batches and operations sent and not answered, whoever sent them. */
  get unanswered(): number {
    return this.#batches.size + this.#operations.size;
  }

  get layouts(): Layouts {
    return this.#layouts;
  }

  /** Sends `calls` and settles each when the answer is there. `done` says whether their transaction was rolled back. */
  batch(
    session: number,
    calls: readonly Call[],
    layouts: Layouts,
    done: (rolledBack: boolean) => void,
  ): void {
    if (this.#crash !== undefined) {
      for (const call of calls) call.reject(this.#crash);
      done(true);
      return;
    }
    const message = this.#compose(session, calls);
    this.#batches.set(message.id, { calls, layouts, forgotten: message.forget, done });
    this.#worker.postMessage(message);
  }

  /** Has the engine do something, in its turn. @throws the error that stands for its failure */
  async operation(operation: Operation): Promise<unknown> {
    try {
      return await this.#ask(operation);
    } catch (error) {
      const sql = 'sql' in operation ? operation.sql : operation.name;
      throw error instanceof EngineFailure ? errorOf(error, this.#file, sql) : error;
    }
  }

  /** The same, for a caller who knows better what the engine's own failure means here. */
  async attempt(
    operation: Operation,
  ): Promise<{ readonly value: unknown; readonly failure: EngineFailure | undefined }> {
    try {
      return { value: await this.#ask(operation), failure: undefined };
    } catch (error) {
      if (error instanceof EngineFailure) return { value: undefined, failure: error };
      throw error;
    }
  }

  /** The engine need not keep this statement. */
  forget(statement: KnownStatement): void {
    // Its names are kept until then: batches that carry it may still be under way.
    if (this.#known.delete(statement.id)) this.#forget.add(statement.id);
  }

  /**
   * Closes its connections and ends the thread.
   * @returns what could not be done, and is left to the next opening
   */
  async close(): Promise<string | undefined> {
    if (this.#crash !== undefined) return undefined;
    this.#closing = true;
    try {
      const leftUndone = await this.operation({ name: 'close' });
      return typeof leftUndone === 'string' ? leftUndone : undefined;
    } finally {
      await this.#exited;
    }
  }

  /** Ends the thread whatever it does. */
  async terminate(): Promise<void> {
    this.#closing = true;
    await this.#worker.terminate();
  }

  async #ask(operation: Operation): Promise<unknown> {
    if (this.#crash !== undefined) throw this.#crash;
    const id = this.#nextId;
    this.#nextId += 1;
    const answer = new Promise<unknown>((resolve, reject) => this.#operations.set(id, { resolve, reject }));
    this.#worker.postMessage({ kind: 'operation', id, operation });
    return await answer;
  }

  #compose(session: number, calls: readonly Call[]): StatementBatch {
    const define: (number | string)[] = [];
    const flat: number[] = [];
    const values: StatementBatch['values'][number][] = [];
    for (const { statement, params } of calls) {
      if (!this.#known.has(statement.id)) {
        define.push(statement.id, statement.sql, statement.changesSchema ? CHANGES_SCHEMA : 0);
        this.#known.add(statement.id);
        this.#forget.delete(statement.id);
      }
      if (isPositional(params)) {
        flat.push(statement.id, params.length);
        for (const value of params) values.push(value);
      } else {
        flat.push(statement.id, -1);
        values.push(params);
      }
    }
    const forget = [...this.#forget];
    this.#forget.clear();
    const id = this.#nextId;
    this.#nextId += 1;
    return { kind: 'batch', id, session, forget, define, calls: flat, values };
  }

  #receive(message: FromEngine): void {
    if (typeof message === 'number') {
      const pending = this.#batches.get(message);
      this.#batches.delete(message);
      if (pending !== undefined) this.#settlePlain(pending);
      return;
    }
    if (message.kind === 'reply') {
      const pending = this.#batches.get(message.id);
      this.#batches.delete(message.id);
      if (pending !== undefined) this.#settle(pending, message);
      return;
    }
    if (message.kind === 'trouble') {
      this.#events.onFailure?.(message.failure);
      return;
    }
    const pending = this.#operations.get(message.id);
    this.#operations.delete(message.id);
    if (message.failure === undefined) pending?.resolve(message.value);
    else {
      this.#events.onFailure?.(message.failure);
      pending?.reject(new EngineFailure(message.failure));
    }
  }

  /** Writes that gave no rows: what they came to is in shared memory until the next group is sent. */
  #settlePlain({ calls, layouts, forgotten, done }: PendingBatch): void {
    for (const statement of forgotten) layouts.delete(statement);
    const effects = this.#effects;
    for (let index = 0; index < calls.length; index += 1) {
      const call = calls[index];
      if (call === undefined) continue;
      const rowId = effects[index * 2 + 1] ?? Number.NaN;
      call.resolve(new StatementResult([], effects[index * 2] ?? 0, Number.isNaN(rowId) ? undefined : rowId));
      if (call.statement.forgotten) this.forget(call.statement);
    }
    done(false);
  }

  #settle({ calls, layouts, forgotten, done }: PendingBatch, reply: BatchReply): void {
    for (const statement of forgotten) layouts.delete(statement);
    for (const failure of reply.failures) this.#events.onFailure?.(failure);
    const { values, effects } = reply;
    let value = 0;
    let failed = 0;
    let layout = 0;
    for (let index = 0; index < calls.length; index += 1) {
      const call = calls[index];
      if (call === undefined) continue;
      const { id } = call.statement;
      const told = reply.layouts[layout + 1];
      if (reply.layouts[layout] === index && typeof told === 'object') {
        layouts.set(id, told);
        layout += 2;
      }
      const count = reply.rows[index] ?? 0;
      if (count < 0) {
        this.#reject(call, reply.failures[failed]);
        failed += 1;
        continue;
      }
      const names = count === 0 ? NO_NAMES : (layouts.get(id) ?? NO_NAMES);
      const rows = new Array<Row>(count);
      for (let row = 0; row < count; row += 1) {
        rows[row] = rowOf(names, values, value);
        value += names.length;
      }
      const lastRowId = effects[index * 2 + 1];
      call.resolve(new StatementResult(rows, Number(effects[index * 2] ?? 0), lastRowId ?? undefined));
      if (call.statement.forgotten) this.forget(call.statement);
    }
    done(reply.rolledBack);
  }

  #reject(call: Call, failure: Failure | undefined): void {
    if (failure?.code === 'AICO_NOT_READ_ONLY' && call.reroute !== undefined) call.reroute(call);
    else
      call.reject(
        errorOf(
          failure ?? { code: 'AICO_UNKNOWN', message: 'no reason given' },
          this.#file,
          call.statement.sql,
        ),
      );
  }

  #fail(crash: EngineCrashedError): void {
    const reason = this.#closing ? new DatabaseClosedError() : crash;
    this.#crash = reason;
    const batches = [...this.#batches.values()];
    const operations = [...this.#operations.values()];
    this.#batches.clear();
    this.#operations.clear();
    for (const { calls, done } of batches) {
      for (const call of calls) call.reject(reason);
      done(true);
    }
    for (const { reject } of operations) reject(reason);
    if (!this.#closing) this.#events.onCrash(crash);
  }
}

function isPositional(params: BoundParameters): params is Extract<BoundParameters, readonly unknown[]> {
  return Array.isArray(params);
}
