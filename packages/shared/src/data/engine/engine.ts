import { reasonOf } from '@aico/protocol';
import type { Connection } from '../driver.ts';
import { decodePrincipal } from '../ownership/principal.ts';
import { callsOf } from './calls.ts';
import { Checkpointer, reclaim, vacuum } from './checkpoint.ts';
import { CommitCounter } from './commit-counter.ts';
import type { HeadPlace } from './commit-record.ts';
import { openConnection } from './connection.ts';
import { DiskFaults } from './disk-faults.ts';
import { EngineRefusal, notRun, toFailure } from './failure.ts';
import { FaultOrigin, writeNothing } from './fault-origin.ts';
import { commitGroup, type GroupCall } from './group-commit.ts';
import { MigrationStatementFailed, type PendingMigrations, runMigrations } from './run-migrations.ts';
import { Sessions } from './sessions.ts';
import { type Definition, emptyOutcome, type Outcome, PreparedStatements } from './statements.ts';
import { databaseStatus, schemaText } from './status.ts';
import { adoptHistory, createFile, makeOwnTables, stampOf } from './whole-file.ts';
import {
  type BatchReply,
  type EngineData,
  type Failure,
  type FromEngine,
  isStopping,
  LARGE_ANSWER_BYTES,
  MAX_RESULT_BYTES,
  type Operation,
  type OperationReply,
  type OperationRequest,
  READS_OF_WRITER,
  type StatementBatch,
  type Trouble,
} from './wire.ts';

/** The size in pages (1 MiB) up to which a database can be read as a whole within milliseconds. */
const FEW_PAGES = 256;

/** Executes the messages of one engine thread: on the writer's only connection, or on those of a reader and its sessions. */
export class Engine {
  readonly #data: EngineData;
  readonly #effects: Float64Array;
  readonly #progress: Float64Array;
  readonly #faults: DiskFaults | undefined;
  readonly #definitions = new Map<number, Definition>();
  readonly #sessions: Sessions;
  #connection: Connection | undefined;
  #statements: PreparedStatements | undefined;
  #checkpointer: Checkpointer | undefined;
  #counter: CommitCounter | undefined;
  #faultOrigin: FaultOrigin | undefined;
  /** After a failed fsync the content of the disk is unknown, so nothing more is acknowledged. */
  #stopped: Failure | undefined;

  /** `effects` and `progress` are memory shared with the main thread: see `ServeRequest`. */
  constructor(data: EngineData, effects: SharedArrayBuffer, progress: SharedArrayBuffer) {
    this.#data = data;
    this.#effects = new Float64Array(effects);
    this.#progress = new Float64Array(progress);
    this.#faults = data.faults === undefined ? undefined : new DiskFaults(data.faults);
    this.#sessions = new Sessions(data, this.#definitions, this.#progress);
  }

  handle(message: StatementBatch | OperationRequest): FromEngine {
    const isStatement =
      message.kind === 'batch' || message.operation.name === 'stream' || message.operation.name === 'next';
    this.#progress[1] = isStatement ? 0 : -1;
    this.#progress[0] = message.id;
    try {
      return message.kind === 'batch' ? this.#batch(message) : this.#operation(message.id, message.operation);
    } finally {
      this.#progress[0] = 0;
    }
  }

  /** Performs the work that follows a reply, such as a checkpoint. @returns the failure, if there was one */
  afterAnswer(): Trouble | undefined {
    if (this.#data.role === 'reader' || this.#connection === undefined || this.#stopped !== undefined)
      return undefined;
    this.#checkpointer ??= new Checkpointer(this.#connection);
    const failure = this.#faultOrigin?.afterTransaction();
    if (failure !== undefined) return this.#trouble(failure);
    try {
      this.#checkpointer.afterCommit();
      return undefined;
    } catch (error) {
      return this.#trouble(toFailure(error, this.#data.file));
    }
  }

  #trouble(failure: Failure): Trouble {
    this.#noteFailure(failure);
    return { kind: 'trouble', failure };
  }

  #open(): { connection: Connection; statements: PreparedStatements } {
    this.#connection ??= openConnection(this.#data, 'statements');
    this.#statements ??= new PreparedStatements(this.#connection, this.#definitions, {
      progress: this.#progress,
      maxResultBytes: this.#data.maxResultBytes ?? MAX_RESULT_BYTES,
      counter: this.#counter,
      faults: this.#faults,
    });
    return { connection: this.#connection, statements: this.#statements };
  }

  #batch(batch: StatementBatch): BatchReply | number {
    for (const id of batch.forget) this.#forget(id);
    for (let at = 0; at < batch.define.length; at += 4)
      this.#definitions.set(Number(batch.define[at]), {
        sql: String(batch.define[at + 1]),
        flags: Number(batch.define[at + 2]),
        principal: decodePrincipal(String(batch.define[at + 3])),
      });
    const calls = callsOf(batch);
    const reply = (outcome: Outcome, found: readonly Failure[], rolledBack = false): BatchReply => {
      const failures = found.map((failure) => this.#judge(failure));
      const { rows, values, layouts, effects } = outcome;
      return { kind: 'reply', id: batch.id, rows, values, layouts, effects, failures, rolledBack };
    };
    try {
      if (this.#data.role === 'reader') return this.#read(batch.session, calls, reply);
      if (batch.session === READS_OF_WRITER) return this.#readInWriter(calls, reply);
      this.#refuseIfStopped();
      const { connection, statements } = this.#open();
      if (batch.session === 0) {
        const { outcome, failures } = commitGroup(connection, statements, calls);
        return this.#toShared(outcome, failures) ? batch.id : reply(outcome, failures);
      }
      if (!connection.inTransaction)
        throw new EngineRefusal('ENGINE_NO_SESSION', 'the transaction was rolled back');
      const { outcome, failures } = runEach(statements, calls, true, () => connection.inTransaction);
      return reply(outcome, failures, !connection.inTransaction);
    } catch (error) {
      const failure = toFailure(error, this.#data.file);
      const outcome = { ...emptyOutcome(), rows: calls.map(() => -1) };
      return reply(
        outcome,
        calls.map(() => failure),
      );
    }
  }

  /** Writes the effects of a group of plain writes to shared memory; returns false if the reply contains more than effects. */
  #toShared({ effects, values, layouts }: Outcome, failures: readonly Failure[]): boolean {
    if (
      failures.length > 0 ||
      values.length > 0 ||
      layouts.length > 0 ||
      effects.length > this.#effects.length
    )
      return false;
    for (let at = 0; at < effects.length; at += 1) {
      const effect = effects[at] ?? Number.NaN;
      if (typeof effect === 'bigint') return false;
      this.#effects[at] = effect;
    }
    return true;
  }

  /** All statements of a batch read one snapshot, which contains every write that was durable when the batch was sent. */
  #read(
    session: number,
    calls: readonly GroupCall[],
    reply: (outcome: Outcome, failures: readonly Failure[]) => BatchReply,
  ): BatchReply {
    if (session !== 0) {
      const { outcome, failures } = runEach(this.#sessions.get(session).statements, calls, false);
      return reply(outcome, failures);
    }
    const { connection, statements } = this.#open();
    statements.begin();
    try {
      statements.followSchema();
      const { outcome, failures } = runEach(
        statements,
        calls,
        false,
        () => true,
        () => this.#progress[2] === 0,
      );
      return reply(outcome, failures);
    } finally {
      if (connection.inTransaction) statements.commit();
    }
  }

  /** Answers reads that are short, and leaves the others to a reader thread: writes must not wait for them. */
  #readInWriter(
    calls: readonly GroupCall[],
    reply: (outcome: Outcome, failures: readonly Failure[]) => BatchReply,
  ): BatchReply {
    const { connection, statements } = this.#open();
    const pages = Number(connection.pragma('page_count', { simple: true }));
    if (this.#stopped !== undefined || connection.inTransaction || pages > FEW_PAGES) throw notRun();
    statements.beginReading();
    try {
      const { outcome, failures } = runEach(statements, calls, false, undefined, ({ id, args }) =>
        statements.isShortRead(id, args),
      );
      return reply(outcome, failures);
    } finally {
      if (connection.inTransaction) statements.commit();
    }
  }

  #operation(id: number, operation: Operation): OperationReply {
    try {
      return { kind: 'done', id, value: this.#perform(operation), failure: undefined };
    } catch (error) {
      const ofMigration = error instanceof MigrationStatementFailed ? error : undefined;
      const failure = this.#judge(toFailure(ofMigration?.cause ?? error, this.#data.file));
      return {
        kind: 'done',
        id,
        value: undefined,
        failure: ofMigration === undefined ? failure : { ...failure, statement: ofMigration.statement },
      };
    }
  }

  #perform(operation: Operation): unknown {
    switch (operation.name) {
      case 'create':
        return createFile({ ...this.#data, file: operation.file }, operation.history);
      case 'adopt':
        return adoptHistory(this.#data, operation.history);
      case 'open':
        return operation.head === undefined ? void this.#open() : this.#openToWrite(operation.head);
      case 'begin':
        return this.#begin(operation.session);
      case 'control':
        return this.#control(operation.session, operation.sql);
      case 'end':
        return this.#end(operation.session);
      case 'stream':
        return this.#sessions.startStream(operation.session, operation);
      case 'migrate':
        return this.#migrate(operation);
      case 'next':
        return this.#sessions.nextChunk(operation.session);
      case 'vacuum':
        this.#statements?.forgetAll();
        return vacuum(this.#open().connection);
      case 'reclaim':
        return reclaim(this.#open().connection, operation.pages);
      case 'verify':
        return stampOf(this.#data);
      case 'status':
        return databaseStatus(this.#open().connection);
      case 'try-write':
        return this.#tryWrite();
      case 'close':
        return this.#close(operation.readersRemain);
    }
  }

  /** @returns the text of the schema */
  #openToWrite(head: HeadPlace): string {
    const connection = openConnection(this.#data, 'statements');
    this.#connection = connection;
    makeOwnTables(connection);
    this.#counter = new CommitCounter(connection, head);
    this.#open();
    return schemaText(connection);
  }

  #begin(session: number): void {
    if (this.#data.role === 'reader') {
      this.#sessions.begin(session);
      return;
    }
    this.#refuseIfStopped();
    this.#open().statements.begin();
  }

  #migrate(migrations: PendingMigrations): void {
    this.#refuseIfStopped();
    const { connection, statements } = this.#open();
    statements.begin();
    try {
      statements.forgetAll();
      statements.noteWrite();
      runMigrations(connection, migrations);
      statements.commit();
    } catch (error) {
      statements.rollBack();
      throw error;
    }
  }

  #control(session: number, sql: string): void {
    const connection =
      this.#data.role === 'reader' ? this.#sessions.get(session).connection : this.#open().connection;
    if (!connection.inTransaction)
      throw new EngineRefusal('ENGINE_NO_SESSION', 'the transaction was rolled back');
    // Undoing a change of the schema changes the schema as well.
    if (!/^(?:SAVEPOINT|RELEASE|COMMIT)/.test(sql)) {
      this.#statements?.forgetAll();
      this.#statements?.noteWrite();
    }
    if (sql === 'COMMIT' && this.#statements !== undefined) this.#statements.commit();
    else connection.exec(sql);
  }

  /** Ends a session and rolls back its uncommitted changes. */
  #end(session: number): void {
    if (this.#data.role === 'reader') {
      this.#sessions.end(session);
      return;
    }
    this.#open().statements.rollBack();
  }

  /** Tests whether the disk accepts a write. */
  #tryWrite(): void {
    this.#refuseIfStopped();
    writeNothing(this.#open().connection, this.#faults);
  }

  #forget(id: number): void {
    this.#definitions.delete(id);
    this.#statements?.forget(id);
    this.#sessions.forget(id);
  }

  /** The failure to report, after distinguishing a fault of the disk from one of the statement. */
  #judge(failure: Failure): Failure {
    const { role, maxPages } = this.#data;
    if (role === 'writer' && this.#connection !== undefined) {
      this.#faultOrigin ??= new FaultOrigin(this.#connection, maxPages, this.#faults);
      failure = this.#faultOrigin.judge(failure);
    }
    this.#noteFailure(failure);
    return failure;
  }

  #refuseIfStopped(): void {
    if (this.#stopped !== undefined) throw new EngineRefusal('ENGINE_STOPPED', this.#stopped.message);
  }

  #noteFailure(failure: Failure): void {
    if (this.#data.role === 'writer' && isStopping(failure.code)) this.#stopped ??= failure;
  }

  /**
   * Succeeds on a failing disk too: acknowledged data is durable in the log, and the next opening completes the cleanup.
   * @returns a description of the steps that failed
   */
  #close(readersRemain: boolean): string | undefined {
    this.#sessions.close();
    const connection = this.#connection;
    const counter = this.#counter;
    this.#connection = undefined;
    this.#statements = undefined;
    this.#checkpointer = undefined;
    this.#faultOrigin = undefined;
    this.#counter = undefined;
    if (connection === undefined) return undefined;
    const leftUndone: string[] = [];
    const attempt = (work: () => void): void => {
      try {
        work();
      } catch (error) {
        leftUndone.push(reasonOf(error));
      }
    };
    if (connection.inTransaction) attempt(() => connection.exec('ROLLBACK'));
    if (this.#data.role === 'writer' && this.#stopped === undefined)
      attempt(() => connection.pragma(`wal_checkpoint(${readersRemain ? 'PASSIVE' : 'TRUNCATE'})`));
    attempt(() => connection.close());
    if (counter !== undefined) attempt(() => counter.close());
    return leftUndone.length === 0 ? undefined : leftUndone.join('; ');
  }
}

/**
 * Runs calls in order. A call that fails does not affect the others, unless it ended the transaction.
 *
 * @param isWanted given for calls of several callers: once it returns false, or the reply has become large, the remaining calls
 *   are left for another batch
 */
function runEach(
  statements: PreparedStatements,
  calls: readonly GroupCall[],
  mayWrite: boolean,
  alive: () => boolean = () => true,
  isWanted?: (call: GroupCall) => boolean,
): { outcome: Outcome; failures: Failure[] } {
  const outcome = emptyOutcome();
  const failures: Failure[] = [];
  for (const call of calls) {
    const { id, args } = call;
    try {
      if (isWanted !== undefined && (outcome.bytes > LARGE_ANSWER_BYTES || !isWanted(call))) throw notRun();
      if (!alive()) throw new EngineRefusal('ENGINE_NO_SESSION', 'the transaction was rolled back');
      statements.run(id, args, outcome, mayWrite);
    } catch (error) {
      failures.push(toFailure(error, statements.file));
      outcome.rows.push(-1);
      if (mayWrite) outcome.effects.push(0, null);
    }
  }
  return { outcome, failures };
}
