import { AicoError } from '@aico/protocol';
import type { Logger } from '../../core/logging/types.ts';
import { createMutex } from '../../core/tasks/index.ts';
import { ENGINE_NAMES, requireCapability } from '../capabilities.ts';
import { applyMigrations, migrationText } from '../migrations/migrations.ts';
import {
  decodePrincipal,
  encodePrincipal,
  type Principal,
  principalOf,
  type ReservedNames,
  refuseReserved,
  trustedPrincipal,
} from '../ownership/principal.ts';
import { type HeldStatement, streamRows } from '../reads/row-stream.ts';
import { Vocabulary } from '../sql/vocabulary.ts';
import { StatementRefusedError } from '../statements/errors.ts';
import { bindParameters } from '../statements/parameters.ts';
import { ownerOf, StatementRegistries, type StatementRegistry } from '../statements/statement-registry.ts';
import { Columns, StatementResult } from '../statements/statement-result.ts';
import type { Call } from '../threads/calls.ts';
import { DatabaseClosedError } from '../threads/errors.ts';
import { OpenTransactions, type OwnedOptions } from '../transactions/open-transactions.ts';
import type { TransactionScope } from '../transactions/transaction-scope.ts';
import { openedAt } from '../transactions/transaction-session.ts';
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
} from '../types.ts';
import { OwnedDatabase } from '../views/owned-database.ts';
import type { StepResult } from './batch.ts';
import { bootstrap, type ServerFacts } from './bootstrap.ts';
import { type ConnectionOptions, PostgresConnection, type Statement, StepFailed } from './connection.ts';
import { readServerUrl, type ServerAddress } from './connection-url.ts';
import { Cursor } from './cursor.ts';
import { isServerError, statementFailure, tooLarge } from './failures.ts';
import { GroupWriter } from './group-writer.ts';
import { notOwned } from './ownership-failure.ts';
import { PostgresPool } from './pool.ts';
import { PostgresMigrations } from './postgres-migrations.ts';
import type { PostgresDatabaseOptions } from './postgres-options.ts';
import { type CallCodec, type NamedStatement, PostgresSession } from './postgres-session.ts';
import { OwnerRolesOfServer, roleStatement } from './roles.ts';
import { ServerState } from './server-state.ts';
import { inspectStatement } from './statement-rules.ts';
import { databaseStatus } from './status.ts';
import { encodeParameters } from './values.ts';

const CONNECTIONS = 10;
/** Connections for single reads, which end with their statement. */
const READERS = 4;
const STATEMENT_LIMIT_MS = 30_000;
const MAX_RESULT_BYTES = 64 * 1_048_576;
const STREAM_IDLE_MS = 30_000;
const CLOSE_GRACE_MS = 5_000;
const STATEMENTS_KEPT = 512;

/**
 * The database on a PostgreSQL server. Single writes share a commit; transactions are serialisable and run again after a conflict; each
 * owner of tables is a role of the server.
 *
 * @example
 * ```ts
 * const db = await PostgresDatabase.open({ url: 'postgres://aico:secret@db.example.org/aico' });
 * await db.execute('INSERT INTO note (text) VALUES (?)', ['hello']);
 * await db.close();
 * ```
 */
export class PostgresDatabase implements OwnableDatabase {
  readonly dialect = 'postgres';
  readonly #address: ServerAddress;
  readonly #facts: ServerFacts;
  readonly #server: ServerState;
  readonly #control: PostgresPool;
  readonly #reads: PostgresPool;
  readonly #sessions: PostgresPool;
  readonly #writers: PostgresPool;
  readonly #writer: GroupWriter;
  readonly #roles: OwnerRolesOfServer;
  readonly #vocabulary = new Vocabulary();
  readonly #registries: StatementRegistries;
  readonly #transactions: OpenTransactions;
  readonly #reserved: ReservedNames;
  readonly #sealed: Readonly<Record<string, readonly string[]>>;
  readonly #refuseWrite: ((owner: string | undefined) => Error | undefined) | undefined;
  readonly #logger: Logger | undefined;
  readonly #codec: CallCodec;
  readonly #limitMs: number;
  readonly #migrating = createMutex();
  readonly #reading = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  private constructor(
    address: ServerAddress,
    facts: ServerFacts,
    connection: ConnectionOptions,
    options: PostgresDatabaseOptions,
  ) {
    const {
      maxResultBytes = MAX_RESULT_BYTES,
      connections = CONNECTIONS,
      faults,
      conflicts,
      logger,
    } = options;
    this.#address = address;
    this.#facts = facts;
    this.#limitMs = connection.limitMs;
    this.#reserved = options.reserved ?? { owners: [], tables: [] };
    this.#sealed = options.sealed ?? {};
    this.#refuseWrite = faults?.refuseWrite;
    this.#logger = logger;
    const { location } = address;
    const server = new ServerState({
      location,
      probe: () => this.#probe(connection),
      onChange: (state) => this.#noteState(state),
    });
    this.#server = server;
    const opened: ConnectionOptions = { ...connection, cancelBackend: (pid) => this.#cancel(pid) };
    const pool = (max: number): PostgresPool => new PostgresPool({ connection: opened, server, max });
    this.#control = pool(2);
    this.#reads = pool(READERS);
    this.#sessions = pool(connections);
    this.#writers = pool(1);
    this.#roles = new OwnerRolesOfServer(this.#control, facts.databaseId);
    const shapeOf = (sql: string): string => this.#vocabulary.shapeOf(sql);
    this.#registries = new StatementRegistries(
      STATEMENTS_KEPT,
      this.#vocabulary,
      () => undefined,
      (sql, place) => inspectStatement(sql, place, { shapeOf, serverFunctions: facts.functions }),
    );
    this.#codec = {
      maxResultBytes,
      encode: ({ sql, text = sql, placeholders }, params): Statement => ({
        text,
        parameters: encodeParameters(placeholders, params),
      }),
      result: ({ kind }, step) => resultOf(step, kind),
      failure: (error, statement) => this.#failure(error, statement, maxResultBytes),
      roleOf: ({ principal }) => this.#roles.roleOf(principal),
    };
    const refuseWrites = (): void => server.refuseWrites();
    this.#writer = new GroupWriter({
      writers: this.#writers,
      control: this.#control,
      location,
      codec: this.#codec,
      refuseWrites,
    });
    const session = {
      sessions: this.#sessions,
      control: this.#control,
      location,
      codec: this.#codec,
      refuseWrites,
    };
    this.#transactions = new OpenTransactions({
      dialect: this.dialect,
      open: (request) => PostgresSession.open(session, request),
      isExclusive: false,
      registry: this.#registries.root,
      conflicts,
      refuseCommit: faults?.refuseWrite,
      logger,
      refuseUnlessOpen: () => this.#refuseUnlessOpen(),
    });
  }

  /**
   * Connects, and creates the tables of the database itself if they are missing.
   *
   * @throws {DatabaseUrlError} @throws {DatabaseUnreachableError} @throws {DatabaseLoginError} @throws {DatabaseTlsError}
   * @throws {DatabaseTooOldError} @throws {DatabaseRightsError}
   */
  static async open(options: PostgresDatabaseOptions): Promise<PostgresDatabase> {
    const address = readServerUrl(options.url);
    const connection: ConnectionOptions = {
      address,
      limitMs: options.statementLimitMs ?? STATEMENT_LIMIT_MS,
      cancelBackend: async () => undefined,
    };
    const first = await PostgresConnection.open({ ...connection, isNew: true });
    try {
      return new PostgresDatabase(address, await bootstrap(first, address), connection, options);
    } finally {
      await first.close();
    }
  }

  get state(): DatabaseState {
    return this.#server.current;
  }

  /** The server itself ends statements beyond their limit. */
  get overdue(): readonly OverdueStatement[] {
    return [];
  }

  get transactions(): readonly string[] {
    return this.#transactions.origins;
  }

  execute<R = Row>(sql: string, params?: SqlParameters): Promise<QueryResult<R>> {
    return this.#executeFrom<R>(this.#registries.root, sql, params);
  }

  #executeFrom<R>(registry: StatementRegistry, sql: string, params?: SqlParameters): Promise<QueryResult<R>> {
    const answer = new Promise<QueryResult>((resolve, reject) => {
      this.#refuseUnlessOpen();
      const statement = registry.get(sql);
      const call: Call = {
        statement,
        params: bindParameters(statement.placeholders, params),
        resolve,
        reject,
      };
      if (statement.kind === 'write') {
        const fault = this.#refuseWrite?.(ownerOf(statement));
        if (fault !== undefined) throw fault;
        this.#writer.submit(call);
      } else this.#read(call);
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
    const query = this.#codec.encode(statement, bindParameters(statement.placeholders, params));
    const source = new Cursor({ sessions: this.#sessions, codec: this.#codec, statement, query, idleMs });
    const held: HeldStatement = {
      owner: ownerOf(statement),
      shape: statement.shape,
      openedAt: () => openedAt(origin),
    };
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

  async vacuum(): Promise<void> {
    requireCapability(this.dialect, 'vacuum');
  }

  stopAcknowledging(reason: Error): void {
    this.#server.lose(reason);
    try {
      this.#server.refuseWrites();
    } catch (error) {
      if (error instanceof Error) this.#transactions.endWriting(error);
    }
  }

  async check(): Promise<void> {
    this.#refuseUnlessOpen();
    await this.#ask((connection) => connection.one('SELECT 1'));
  }

  async status(): Promise<DatabaseStatus> {
    this.#refuseUnlessOpen();
    const found = await this.#ask((connection) => databaseStatus(connection, this.#sealed));
    return {
      engine: ENGINE_NAMES[this.dialect],
      version: this.#facts.version,
      location: this.#address.location,
      capabilities: [],
      ...found,
    };
  }

  /** Completes accepted calls and closes all connections. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    await this.#transactions.end(CLOSE_GRACE_MS, new DatabaseClosedError());
    await Promise.all([this.#writer.idle(), this.#migrating(() => undefined), ...this.#reading]);
    this.#server.close();
    await Promise.all(
      [this.#writers, this.#reads, this.#sessions, this.#control].map((pool) => pool.close()),
    );
  }

  #refuseUnlessOpen(): void {
    if (this.#closing !== undefined) throw new DatabaseClosedError();
  }

  #read(call: Call): void {
    const reading = this.#readOnce(call).catch((error: unknown) =>
      this.#codec.failure(error, call.statement).then(call.reject),
    );
    this.#reading.add(reading);
    void reading.finally(() => this.#reading.delete(reading));
  }

  async #readOnce({ statement, params, resolve }: Call): Promise<void> {
    const { maxResultBytes: maxBytes } = this.#codec;
    const query = this.#codec.encode(statement, params);
    const role = await this.#codec.roleOf(statement);
    const steps =
      role === undefined
        ? [query]
        : [{ text: 'BEGIN READ ONLY' }, { text: roleStatement(role) }, query, { text: 'COMMIT' }];
    await this.#reads.use(async (connection) => {
      for (;;) {
        try {
          const results = await connection.run(steps, { maxBytes });
          const result = results[role === undefined ? 0 : 2];
          if (result !== undefined) resolve(this.#codec.result(statement, result));
          return;
        } catch (error) {
          if (role !== undefined && connection.lost === undefined) await connection.one('ROLLBACK');
          if (!(error instanceof StepFailed && error.isStale)) throw error;
        }
      }
    });
  }

  async #ask<T>(work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    try {
      return await this.#control.use(work);
    } catch (error) {
      throw await this.#codec.failure(error, { shape: 'status', principal: '', kind: 'read', sql: '' });
    }
  }

  async #migrateAs(principal: Principal, migrations: readonly Migration[]): Promise<MigrationReport> {
    this.#refuseUnlessOpen();
    for (const migration of migrations) this.#vocabulary.learn(migrationText(migration, this.dialect));
    const store = new PostgresMigrations({
      control: this.#control,
      sessions: this.#sessions,
      roles: this.#roles,
      codec: this.#codec,
      vocabulary: this.#vocabulary,
      functions: this.#facts.functions,
      principal,
      reserved: this.#reserved,
      location: this.#address.location,
      refuseWrites: () => this.#server.refuseWrites(),
    });
    return await this.#migrating(() => applyMigrations(store, principal.owner, migrations));
  }

  async #failure(error: unknown, statement: NamedStatement, maxBytes: number): Promise<Error> {
    const { shape, principal } = statement;
    if (error instanceof AicoError) return error;
    if (error instanceof StepFailed && error.isTooLarge) return tooLarge(shape, maxBytes);
    const cause = error instanceof StepFailed ? error.cause : error;
    if (isServerError(cause) && cause.code === '42501') {
      const refusal = await notOwned(cause, statement, this.#control).catch(() => undefined);
      if (refusal !== undefined) return refusal;
    }
    return statementFailure(cause, {
      location: this.#address.location,
      shape,
      owner: decodePrincipal(principal)?.owner,
      vocabulary: this.#vocabulary,
      limitMs: this.#limitMs,
    });
  }

  async #cancel(pid: number): Promise<void> {
    await this.#control.use((connection) =>
      connection.one('SELECT pg_cancel_backend($1)', { values: [String(pid)], types: [23] }),
    );
  }

  /** Tries to reach the server. As a new one: after a crash it has no token, which the next connection makes. */
  async #probe(options: ConnectionOptions): Promise<void> {
    const connection = await PostgresConnection.open({ ...options, isNew: true });
    await connection.close();
  }

  #noteState(state: DatabaseState): void {
    if (state.kind === 'ready') this.#logger?.info('The database answers again');
    else if (state.kind === 'unreachable')
      this.#logger?.error('The database cannot be reached', { reason: state.reason });
  }
}

function resultOf({ fields, rows, tag }: StepResult, kind: string): StatementResult {
  const columns = fields.length === 0 ? Columns.none : new Columns(fields.map(({ name }) => name));
  const changed = kind === 'read' ? null : /^(?:INSERT \d+|UPDATE|DELETE|MERGE) (\d+)$/.exec(tag);
  return new StatementResult({
    columns,
    rows: rows.map((row) => columns.rowAt(row, 0)),
    tuples: columns.areAmbiguous ? rows : undefined,
    changes: Number(changed?.[1] ?? 0),
    lastRowId: undefined,
  });
}
