import { stat } from 'node:fs/promises';
import type { Logger } from '../core/logging/types.ts';
import { createMutex } from '../core/tasks/index.ts';
import { CAPABILITIES, ENGINE_NAMES } from './capabilities.ts';
import type { DatabaseFaults, EncryptedDatabaseOptions } from './encrypted-database-options.ts';
import type { FileSpace } from './engine/checkpoint.ts';
import type { EngineStatus } from './engine/wire.ts';
import { expectSameFile } from './file/database-file.ts';
import { readHead } from './file/database-head.ts';
import { FileWatch } from './file/file-watch.ts';
import { type OpenEngine, openEngine } from './file/open-engine.ts';
import { withKey } from './file/with-key.ts';
import { applyMigrations, migrationText } from './migrations/migrations.ts';
import { WriterMigrations } from './migrations/writer-migrations.ts';
import {
  encodePrincipal,
  type Principal,
  principalOf,
  type ReservedNames,
  refuseReserved,
  trustedPrincipal,
} from './ownership/principal.ts';
import { Readers } from './reads/readers.ts';
import { streamRows } from './reads/row-stream.ts';
import type { SessionHolder } from './reads/session-threads.ts';
import { ThreadRows } from './reads/thread-rows.ts';
import { Vocabulary } from './sql/vocabulary.ts';
import { StatementRefusedError } from './statements/errors.ts';
import { bindParameters } from './statements/parameters.ts';
import { ownerOf, StatementRegistries, type StatementRegistry } from './statements/statement-registry.ts';
import type { Call } from './threads/calls.ts';
import type { EngineThread, ThreadEvents } from './threads/engine-thread.ts';
import { DatabaseClosedError, type EngineCrashedError } from './threads/errors.ts';
import { OpenTransactions, type OwnedOptions } from './transactions/open-transactions.ts';
import { ThreadSession } from './transactions/thread-session.ts';
import type { TransactionScope } from './transactions/transaction-scope.ts';
import { openedAt } from './transactions/transaction-session.ts';
import type {
  DatabaseState,
  DatabaseStatus,
  Migration,
  MigrationReport,
  OverdueStatement,
  OwnableDatabase,
  QueryResult,
  Row,
  SqlParameters,
  StreamOptions,
  TableGrants,
} from './types.ts';
import { OwnedDatabase } from './views/owned-database.ts';
import { Writer } from './writes/writer.ts';

const KEY_BYTES = 32;
const PAGE_BYTES = 4_096;
/** Pages, which hold up writes for about 10 ms. */
const RECLAIMED_AT_ONCE = 256;
const STATEMENTS_KEPT = 512;
const STATEMENT_LIMIT_MS = 30_000;
const STREAM_IDLE_MS = 30_000;
const WRITE_WAIT_MS = 300_000;
const ROOM_CHECK_MS = 1_000;
const CLOSE_GRACE_MS = 5_000;

/**
 * The encrypted database: SQLite with authenticated pages, a writer thread and reader threads. Concurrent writes share a commit, and
 * each resolves when it is durable. The event loop never waits for the disk.
 *
 * A read sees every write that resolved before the read was called. Calls that are not awaited have no order.
 *
 * @example
 * ```ts
 * const db = await EncryptedDatabase.open({ file, key: keys.databaseKey() });
 * await db.execute('INSERT INTO note (text) VALUES (?)', ['hello']);
 * const { rows } = await db.execute<{ text: string }>('SELECT text FROM note');
 * await db.close();
 * ```
 */
export class EncryptedDatabase implements OwnableDatabase {
  readonly dialect = 'sqlite';
  readonly #file: string;
  readonly #key: SharedArrayBuffer;
  readonly #logger: Logger | undefined;
  readonly #engine: OpenEngine;
  readonly #registries: StatementRegistries;
  readonly #vocabulary: Vocabulary;
  readonly #readers: Readers;
  readonly #writer: Writer;
  readonly #transactions: OpenTransactions;
  readonly #watch: FileWatch;
  readonly #reserved: ReservedNames;
  readonly #faults: DatabaseFaults | undefined;
  readonly #migrating = createMutex();
  #lastSession = 0;
  #crash: Error | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    engine: OpenEngine,
    key: SharedArrayBuffer,
    vocabulary: Vocabulary,
    options: EncryptedDatabaseOptions,
  ) {
    this.#file = options.file;
    this.#key = key;
    this.#logger = options.logger;
    this.#engine = engine;
    this.#readers = new Readers({
      writer: engine.writer,
      outsideTransactions: (work) => this.#writer.outsideTransactions(work),
      count: options.readers ?? 1,
      startThread: engine.startReader,
      limitMs: options.statementLimitMs ?? STATEMENT_LIMIT_MS,
      logger: options.logger,
    });
    this.#writer = new Writer({
      thread: engine.writer,
      file: options.file,
      waitMs: options.writeWaitMs ?? WRITE_WAIT_MS,
      roomCheckMs: options.roomCheckMs ?? ROOM_CHECK_MS,
      logger: options.logger,
      onEnded: (refusal) => this.#transactions.endWriting(refusal),
    });
    this.#watch = new FileWatch(engine.identities, (error) => this.stopAcknowledging(error));
    this.#reserved = options.reserved ?? { owners: [], tables: [] };
    this.#faults = options.faults;
    this.#vocabulary = vocabulary;
    this.#registries = new StatementRegistries(STATEMENTS_KEPT, vocabulary, (statement) => {
      for (const thread of this.#threads()) thread.forget(statement);
    });
    const session = {
      readers: this.#readers,
      writer: this.#writer,
      nextId: () => this.#nextSession(),
      refuseUnlessOpen: () => this.#refuseUnlessOpen(),
    };
    this.#transactions = new OpenTransactions({
      dialect: this.dialect,
      open: (request) => ThreadSession.open(session, request),
      isExclusive: true,
      registry: this.#registries.root,
      conflicts: options.conflicts,
      refuseCommit: options.faults?.refuseWrite,
      logger: options.logger,
      refuseUnlessOpen: session.refuseUnlessOpen,
    });
  }

  /**
   * Opens the database, or creates it if it is missing.
   *
   * @throws {PlaintextDatabaseError} @throws {DatabaseKeyWrongError} @throws {NotADatabaseError}
   * @throws {DatabaseCorruptError} @throws {DatabaseGoneError} @throws {DatabaseOpenError}
   */
  static async open(options: EncryptedDatabaseOptions): Promise<EncryptedDatabase> {
    if (options.key.byteLength !== KEY_BYTES)
      throw new RangeError(`a database key is ${KEY_BYTES} bytes, not ${options.key.byteLength}`);
    const key = new SharedArrayBuffer(KEY_BYTES);
    new Uint8Array(key).set(options.key);
    const vocabulary = new Vocabulary();
    // Before the database is open, events need no handler: the opening fails.
    const events: ThreadEvents & { readonly vocabulary: Vocabulary } = {
      onCrash: () => undefined,
      vocabulary,
    };
    try {
      const engine = await openEngine({
        file: options.file,
        key,
        cipher: options.cipher ?? 'aegis',
        busyTimeoutMs: options.busyTimeoutMs ?? 5_000,
        maxPages: options.maxBytes === undefined ? undefined : Math.ceil(options.maxBytes / PAGE_BYTES),
        logger: options.logger,
        worker: options.engineWorker,
        witness: options.witness,
        events,
        statementLimitMs: options.statementLimitMs ?? STATEMENT_LIMIT_MS,
        maxResultBytes: options.maxResultBytes,
        faults: options.faults?.disk,
      });
      const database = new EncryptedDatabase(engine, key, vocabulary, options);
      events.onCrash = (error) => database.#noteCrash(error);
      events.onFailure = (failure) => database.#writer.noteFailure(failure);
      events.onSlow = (running, isOverdue, thread) => {
        if (thread === engine.writer) database.#writer.noteSlow(running, isOverdue);
        else database.#readers.noteSlow(running, isOverdue, thread);
      };
      return database;
    } catch (error) {
      new Uint8Array(key).fill(0);
      throw error;
    }
  }

  get state(): DatabaseState {
    return this.#writer.state;
  }

  get overdue(): readonly OverdueStatement[] {
    const write = this.#writer.overdue;
    return write === undefined ? this.#readers.overdue : [write, ...this.#readers.overdue];
  }

  /** The place in the code where each open transaction was opened. */
  get transactions(): readonly string[] {
    return this.#transactions.origins;
  }

  /**
   * Runs one statement. A write resolves once it is durable.
   * @throws {StatementRefusedError} @throws {StatementFailedError} @throws {ConstraintError} and other errors of the database
   */
  execute<R = Row>(sql: string, params?: SqlParameters): Promise<QueryResult<R>> {
    return this.#executeFrom<R>(this.#registries.root, sql, params);
  }

  #executeFrom<R>(registry: StatementRegistry, sql: string, params?: SqlParameters): Promise<QueryResult<R>> {
    const answer = new Promise<QueryResult>((resolve, reject) => {
      this.#refuseUnlessOpen();
      const statement = registry.get(sql);
      const call = {
        statement,
        params: bindParameters(statement.placeholders, params),
        resolve,
        reject,
        reroute: this.#reroute,
        again: this.#again,
      };
      if (statement.kind === 'write') this.#write(call);
      else this.#readers.submit(call);
    });
    // `R` is not checked: the caller declares the columns of its statement.
    return answer as Promise<QueryResult<unknown>> as Promise<QueryResult<R>>;
  }

  transaction<T>(work: (tx: TransactionScope) => Promise<T>, options?: OwnedOptions): Promise<T> {
    return this.#transactions.run(work, options);
  }

  begin(options?: OwnedOptions): Promise<TransactionScope> {
    return this.#transactions.begin(options);
  }

  /** Reads row by row from one snapshot. Leaving the loop early releases the snapshot. */
  stream<R = Row>(
    sql: string,
    params?: SqlParameters,
    options?: StreamOptions,
  ): AsyncGenerator<R, void, undefined> {
    return this.#streamFrom<R>(this.#registries.root, new Error('opened here'), sql, params, options);
  }

  async *#streamFrom<R>(
    registry: StatementRegistry,
    origin: Error,
    sql: string,
    params?: SqlParameters,
    { idleMs = STREAM_IDLE_MS }: StreamOptions = {},
  ): AsyncGenerator<R, void, undefined> {
    this.#refuseUnlessOpen();
    const statement = registry.get(sql);
    if (statement.kind === 'write')
      throw new StatementRefusedError(statement.shape, 'only reads can be streamed');
    const bound = bindParameters(statement.placeholders, params);
    const holder: SessionHolder = {
      what: 'stream',
      owner: ownerOf(statement),
      statement,
      openedAt: () => openedAt(origin),
    };
    const lease = await this.#readers.take(holder);
    const session = this.#nextSession();
    const source = new ThreadRows({ session, statement, params: bound, lease });
    const held = { owner: holder.owner, shape: statement.shape, openedAt: holder.openedAt };
    // `R` is not checked: the caller declares the columns of its statement.
    for await (const row of streamRows({ source, held, idleMs })) yield row as R;
  }

  async migrate(owner: string, migrations: readonly Migration[]): Promise<MigrationReport> {
    return await this.#migrateAs(trustedPrincipal(owner), migrations);
  }

  ownedBy(owner: string, grants?: TableGrants): OwnedDatabase {
    const principal = principalOf(owner, grants);
    refuseReserved(principal, this.#reserved);
    const registry = this.#registries.of(encodePrincipal(principal));
    return new OwnedDatabase({
      owner,
      registry,
      database: this,
      execute: (sql, params) => this.#executeFrom(registry, sql, params),
      stream: (sql, params, options) =>
        this.#streamFrom(registry, new Error('opened here'), sql, params, options),
      migrate: (migrations) => this.#migrateAs(principal, migrations),
    });
  }

  /**
   * Rewrites the file without the space of deleted rows. Meanwhile writes wait and reads continue.
   * @throws {DiskFullError} when there is no space for a second copy; the database is unchanged
   */
  async vacuum(): Promise<void> {
    this.#refuseUnlessOpen();
    await this.#writer.alone({ name: 'vacuum' });
  }

  /**
   * Returns free pages to the file system, in steps between which others write. Some remain for the next writes: a
   * sixteenth of the file, and at least a MiB.
   */
  async reclaim(signal?: AbortSignal): Promise<void> {
    let before = Number.POSITIVE_INFINITY;
    for (let step = 0; signal?.aborted !== true; step = RECLAIMED_AT_ONCE) {
      this.#refuseUnlessOpen();
      const { free, pages } = (await this.#writer.alone({ name: 'reclaim', pages: step })) as FileSpace;
      if (free <= Math.max(RECLAIMED_AT_ONCE, pages / 16) || free >= before) return;
      before = free;
    }
  }

  /**
   * Reads from the file itself, on a separate connection.
   * @throws {DatabaseGoneError} @throws {DatabaseReplacedError} @throws {DatabaseCorruptError} @throws {DatabaseClosedError}
   */
  async check(): Promise<void> {
    this.#refuseUnlessOpen();
    for (const identity of this.#engine.identities) await expectSameFile(identity);
    await this.#readers.leastBusy().operation({ name: 'verify' });
  }

  /**
   * The notes in the head file: the last durable text of the table `head_note`, and the one before it. They are written before the
   * commit is acknowledged. The head does not authenticate notes, so their writer must.
   */
  async headNotes(): Promise<readonly string[]> {
    this.#refuseUnlessOpen();
    const head = await withKey(this.#key, (key) => readHead(this.#file, key));
    return head?.isOurs === true ? head.notes : [];
  }

  /** Refuses writes until a restart, because they could not be found again for `reason`. Reads continue. */
  stopAcknowledging(reason: Error): void {
    this.#writer.lose(reason);
  }

  async status(): Promise<DatabaseStatus> {
    this.#refuseUnlessOpen();
    const found = (await this.#readers.ask({ name: 'status' })) as EngineStatus;
    const [file, wal] = await Promise.all([stat(this.#file), stat(`${this.#file}-wal`)]);
    const { version, tables, migrations, details } = found;
    return {
      engine: ENGINE_NAMES[this.dialect],
      version,
      location: this.#file,
      bytes: file.size,
      capabilities: CAPABILITIES,
      clear: [],
      tables,
      migrations,
      details: { ...details, 'write-ahead log bytes': wal.size },
    };
  }

  /** Completes accepted calls, writes the log back into the file and wipes the key. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    this.#watch.stop();
    this.#writer.beginClosing();
    try {
      await this.#transactions.end(CLOSE_GRACE_MS, new DatabaseClosedError());
      this.#engine.writer.limitStatements(CLOSE_GRACE_MS);
      await Promise.all([this.#readers.close(CLOSE_GRACE_MS), this.#migrating(() => undefined)]);
      const failedSteps = await this.#writer.close({ readersRemain: this.#readers.overdue.length > 0 });
      if (failedSteps !== undefined)
        this.#logger?.warn('Database closed, but some steps failed; the next start repeats them', {
          reason: failedSteps,
        });
    } finally {
      await Promise.all(this.#threads().map((thread) => thread.terminate()));
      new Uint8Array(this.#key).fill(0);
      // Until these threads end, this process has the file open.
      void this.#readers.ended().then(this.#engine.unregister);
    }
  }

  /** A number that no other transaction or stream has. */
  #nextSession(): number {
    this.#lastSession += 1;
    return this.#lastSession;
  }

  #threads(): readonly EngineThread[] {
    return [this.#engine.writer, ...this.#readers.threads];
  }

  #refuseUnlessOpen(): void {
    if (this.#closing !== undefined) throw new DatabaseClosedError();
    if (this.#crash !== undefined) throw this.#crash;
  }

  #noteCrash(error: EngineCrashedError): void {
    this.#crash ??= error;
    this.#logger?.error('Database engine crashed', { error });
  }

  #write(call: Call): void {
    const fault = this.#faults?.refuseWrite(ownerOf(call.statement));
    if (fault !== undefined) throw fault;
    this.#writer.submit(call);
    this.#transactions.noteWaiting(call.statement);
  }

  readonly #reroute = (call: Call): void => {
    call.statement.kind = 'write';
    orReject(call, () => this.#write(call));
  };

  readonly #again = (call: Call): void =>
    orReject(call, () => {
      if (call.statement.kind === 'write') this.#writer.resubmit(call);
      else this.#readers.submit(call);
    });

  async #migrateAs(principal: Principal, migrations: readonly Migration[]): Promise<MigrationReport> {
    this.#refuseUnlessOpen();
    for (const migration of migrations) this.#vocabulary.learn(migrationText(migration, this.dialect));
    const store = new WriterMigrations({
      database: this,
      writer: this.#writer,
      transactions: this.#transactions,
      vocabulary: this.#vocabulary,
      principal,
      reserved: this.#reserved.tables,
    });
    return await this.#migrating(() => applyMigrations(store, principal.owner, migrations));
  }
}

function orReject(call: Call, work: () => void): void {
  try {
    work();
  } catch (error) {
    call.reject(error instanceof Error ? error : new Error(String(error)));
  }
}
