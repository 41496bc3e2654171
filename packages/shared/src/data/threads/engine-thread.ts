import type { Worker } from 'node:worker_threads';
import type { AicoError } from '@aico/protocol';
import { reportActivity } from '../../core/tasks/index.ts';
import { EngineFailure } from '../engine/engine-failure.ts';
import {
  type BatchReply,
  CHANGES_SCHEMA,
  type EngineData,
  type Failure,
  type FromEngine,
  type Operation,
  type StatementBatch,
} from '../engine/wire.ts';
import { Vocabulary } from '../sql/vocabulary.ts';
import { isPositional } from '../statements/bound-parameters.ts';
import type { KnownStatement } from '../statements/statement-registry.ts';
import { Columns, StatementResult } from '../statements/statement-result.ts';
import { type Call, type Layouts, type PendingBatch, settleBatch } from './calls.ts';
import { errorOf } from './engine-errors.ts';
import { type EngineWorker, startEngineWorker } from './engine-worker.ts';
import { DatabaseClosedError, EngineCrashedError } from './errors.ts';
import { PROGRESS_FIELDS, type RunningStatement, ThreadWatch } from './thread-watch.ts';

/** Receives events of an engine thread that concern all callers. */
export interface ThreadEvents {
  onCrash: (error: EngineCrashedError) => void;
  /** Called for every failure in the thread, before its caller is rejected. */
  onFailure?: ((failure: Failure) => void) | undefined;
  /** Called repeatedly for a slow or overdue statement, until it ends or the thread is abandoned. */
  onSlow?: (running: RunningStatement, isOverdue: boolean, thread: EngineThread) => void;
  /** The words that errors may contain. Default: those of SQL. */
  readonly vocabulary?: Vocabulary;
}

/** Calls and operations that wait for the running statement of a thread. */
export interface Unanswered {
  readonly calls: readonly Call[];
  readonly operations: readonly PendingOperation[];
}

interface PendingOperation {
  readonly operation: Operation;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

const STATEMENT_LIMIT_MS = 30_000;
/** The number of writes whose effects fit in shared memory. */
const SHARED_CALLS = 256;

/** The activity that is reported while a start waits for an operation. */
const DOING: Readonly<Partial<Record<Operation['name'], string>>> = {
  create: 'the database is created',
  verify: 'the database is opened, and its write-ahead log recovered',
  open: 'the database is opened, and its write-ahead log recovered',
  begin: 'a transaction of the database begins',
  migrate: 'migrations of the database run',
  control: 'a transaction of the database is written to the disk',
};

/** The main thread's side of an engine thread: sends batches and operations, and settles their promises. */
export class EngineThread {
  readonly name: string;
  readonly #worker: Worker;
  readonly #file: string;
  readonly #vocabulary: Vocabulary;
  readonly #events: ThreadEvents;
  readonly #effects = new Float64Array(
    new SharedArrayBuffer(2 * SHARED_CALLS * Float64Array.BYTES_PER_ELEMENT),
  );
  readonly #progress = new Float64Array(
    new SharedArrayBuffer(PROGRESS_FIELDS * Float64Array.BYTES_PER_ELEMENT),
  );
  /** Resolves when the thread has ended. */
  readonly exited: Promise<void>;
  readonly #watch: ThreadWatch;
  readonly #layouts: Layouts = new Map();
  readonly #known = new Set<number>();
  readonly #forget = new Set<number>();
  readonly #takenBack = new WeakSet<Call>();
  readonly #batches = new Map<number, PendingBatch>();
  readonly #operations = new Map<number, PendingOperation>();
  #nextId = 1;
  #crash: AicoError | undefined;
  #closing = false;
  #abandoned = false;
  #closed: Promise<string | undefined> | undefined;

  constructor(
    name: string,
    data: EngineData,
    events: ThreadEvents,
    { worker, exited }: EngineWorker = startEngineWorker(name),
  ) {
    this.name = name;
    this.#events = events;
    this.#file = data.file;
    this.#vocabulary = events.vocabulary ?? new Vocabulary();
    this.#watch = new ThreadWatch({
      progress: this.#progress,
      limitMs: data.statementLimitMs ?? STATEMENT_LIMIT_MS,
      isBusy: () => this.unanswered > 0,
      onSlow: (running, isOverdue) => events.onSlow?.(running, isOverdue, this),
    });
    this.#worker = worker;
    this.#worker.on('message', (message: FromEngine) => this.#receive(message));
    this.exited = exited.then((cause) => this.#fail(new EngineCrashedError(this.name, cause)));
    this.#worker.ref();
    this.#worker.postMessage({
      kind: 'serve',
      data,
      effects: this.#effects.buffer,
      progress: this.#progress.buffer,
    });
  }

  /** The number of batches and operations without a reply. */
  get unanswered(): number {
    return this.#batches.size + this.#operations.size;
  }

  /** The number of statements and operations without a reply. */
  get owed(): number {
    return [...this.#batches.values()].reduce((sum, { calls }) => sum + calls.length, this.#operations.size);
  }

  get layouts(): Layouts {
    return this.#layouts;
  }

  /** Sends `calls` and settles them on the reply. `done` receives whether their transaction was rolled back. */
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
    this.#watch.start();
  }

  /** Runs an operation in the engine. @throws the error of `errorOf` for its failure */
  async operation(operation: Operation): Promise<unknown> {
    try {
      return await this.#send(operation);
    } catch (error) {
      if (!(error instanceof EngineFailure)) throw error;
      const sql = 'sql' in operation ? operation.sql : error.failure.statement;
      const shape = sql === undefined ? operation.name : this.#vocabulary.shapeOf(sql);
      throw this.#errorFor(error.failure, { shape });
    }
  }

  /** Runs an operation and returns its failure, for callers that replace it by a more specific error. */
  async attempt(
    operation: Operation,
  ): Promise<{ readonly value: unknown; readonly failure: EngineFailure | undefined }> {
    try {
      return { value: await this.#send(operation), failure: undefined };
    } catch (error) {
      if (error instanceof EngineFailure) return { value: undefined, failure: error };
      throw error;
    }
  }

  /** Makes the engine drop this statement. */
  forget(statement: KnownStatement): void {
    // The names of its columns are kept until then, because batches with it may be in flight.
    if (this.#known.delete(statement.id)) this.#forget.add(statement.id);
  }

  /**
   * Closes its connections and ends the thread.
   * @param readersRemain an abandoned statement still reads the file, so that the log cannot be truncated
   * @returns a description of the steps that failed, which the next opening repeats
   */
  async close({ readersRemain = false } = {}): Promise<string | undefined> {
    this.#closed ??= this.#close(readersRemain);
    return await this.#closed;
  }

  async #close(readersRemain: boolean): Promise<string | undefined> {
    if (this.#crash !== undefined) return undefined;
    this.#closing = true;
    try {
      const failedSteps = await this.operation({ name: 'close', readersRemain });
      return typeof failedSteps === 'string' ? failedSteps : undefined;
    } finally {
      await this.exited;
    }
  }

  /** Lowers the time limit of statements, including the running one. */
  limitStatements(limitMs: number): void {
    this.#watch.tighten(limitMs);
  }

  isRunning({ message, index }: RunningStatement): boolean {
    return this.#progress[0] === message && this.#progress[1] === index;
  }

  /** The running call; `undefined` for an operation, such as a stream. */
  callOf({ message, index }: RunningStatement): Call | undefined {
    return this.#batches.get(message)?.calls[index];
  }

  /**
   * Takes back the calls and operations behind the running statement, for another thread. If this thread runs some of them
   * nevertheless, their replies are ignored, so only reads may be taken back.
   */
  takeBack(running: RunningStatement): Unanswered {
    const culprit = this.callOf(running);
    const sent = [...this.#batches.values()].flatMap(({ calls }) => calls);
    const calls = sent.filter((call) => call !== culprit && !this.#takenBack.has(call));
    for (const call of calls) this.#takenBack.add(call);
    this.#progress[2] = 1;
    const operations = [...this.#operations.values()];
    this.#operations.clear();
    return { calls, operations };
  }

  /** Ignores the replies to reads that another thread has taken over. */
  ignore(calls: readonly Call[]): void {
    for (const call of calls) this.#takenBack.add(call);
  }

  /** Sends an operation that was taken back from another thread. */
  takeOver({ operation, resolve, reject }: PendingOperation): void {
    this.#send(operation).then(resolve, reject);
  }

  /**
   * Abandons the thread, because a statement of SQLite cannot be interrupted: the thread ends with its statement or with the
   * process. The statement is rejected with `reason`.
   * @returns the calls and operations behind it
   */
  abandon(running: RunningStatement, reason: AicoError): Unanswered {
    const culprit = this.callOf(running);
    // The statement of a stream is an operation.
    const own = culprit === undefined ? this.#operations.get(running.message) : undefined;
    this.#operations.delete(running.message);
    const unanswered = this.takeBack(running);
    const batches = [...this.#batches.values()];
    this.#abandoned = true;
    this.#closing = true;
    this.#crash = reason;
    this.#watch.stop();
    this.#batches.clear();
    this.#worker.unref();
    void this.#worker.terminate();
    for (const { done } of batches) done(true);
    culprit?.reject(reason);
    own?.reject(reason);
    return unanswered;
  }

  /** Whether the thread was abandoned with a running statement. */
  get isAbandoned(): boolean {
    return this.#abandoned;
  }

  /** Ends the thread at once; does not wait for an abandoned one. */
  async terminate(): Promise<void> {
    if (this.#abandoned) return;
    this.#closing = true;
    await this.#worker.terminate();
  }

  async #send(operation: Operation): Promise<unknown> {
    if (this.#crash !== undefined) throw this.#crash;
    const id = this.#nextId;
    this.#nextId += 1;
    const answer = new Promise<unknown>((resolve, reject) =>
      this.#operations.set(id, { operation, resolve, reject }),
    );
    this.#worker.postMessage({ kind: 'operation', id, operation });
    this.#watch.start();
    return await reportActivity(DOING[operation.name] ?? 'the database works', answer);
  }

  #compose(session: number, calls: readonly Call[]): StatementBatch {
    const define: (number | string)[] = [];
    const flat: number[] = [];
    const values: StatementBatch['values'][number][] = [];
    for (const { statement, params } of calls) {
      if (!this.#known.has(statement.id)) {
        const flags = statement.changesSchema ? CHANGES_SCHEMA : 0;
        define.push(statement.id, statement.sql, flags, statement.principal);
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

  /** Settles writes without rows. Their effects are in shared memory until the next group is sent. */
  #settlePlain({ calls, layouts, forgotten, done }: PendingBatch): void {
    for (const statement of forgotten) layouts.delete(statement);
    const effects = this.#effects;
    for (let index = 0; index < calls.length; index += 1) {
      const call = calls[index];
      if (call === undefined) continue;
      const rowId = effects[index * 2 + 1] ?? Number.NaN;
      call.resolve(
        new StatementResult({
          columns: Columns.none,
          rows: [],
          changes: effects[index * 2] ?? 0,
          lastRowId: Number.isNaN(rowId) ? undefined : rowId,
        }),
      );
      if (call.statement.forgotten) this.forget(call.statement);
    }
    done(false);
  }

  #settle(pending: PendingBatch, reply: BatchReply): void {
    for (const failure of reply.failures)
      if (failure.code !== 'ENGINE_NOT_RUN') this.#events.onFailure?.(failure);
    settleBatch(
      pending,
      reply,
      (failure, statement) => this.#errorFor(failure, statement),
      (call) => this.#takenBack.has(call),
    );
    for (const { statement } of pending.calls) if (statement.forgotten) this.forget(statement);
    pending.done(reply.rolledBack);
  }

  #errorFor(failure: Failure, { shape }: { readonly shape: string }): Error {
    return errorOf(failure, { file: this.#file, shape, vocabulary: this.#vocabulary });
  }

  #fail(crash: EngineCrashedError): void {
    const reason = this.#closing ? new DatabaseClosedError() : crash;
    this.#crash ??= reason;
    const batches = [...this.#batches.values()];
    this.#watch.stop();
    this.#batches.clear();
    for (const { calls, done } of batches) {
      for (const call of calls) if (!this.#takenBack.has(call)) call.reject(reason);
      done(true);
    }
    this.#rejectOperations(reason);
    if (!this.#closing) this.#events.onCrash(crash);
  }

  #rejectOperations(reason: Error): void {
    const operations = [...this.#operations.values()];
    this.#operations.clear();
    for (const { reject } of operations) reject(reason);
  }
}
