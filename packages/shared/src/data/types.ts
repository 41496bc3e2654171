/** A value a column can hold. Integers beyond 2^53 arrive as `bigint`. */
export type SqlValue = null | string | number | bigint | Uint8Array;

/** A value for a `?` or `:name`; booleans are stored as 0 and 1. */
export type SqlParameter = SqlValue | boolean;

/**
 * Positional parameters for `?` or `?1`, or named ones for `:name`. Text with a NUL or a lone surrogate, NaN and
 * integers beyond 64 bits are refused, because they could not be read back unchanged.
 */
export type SqlParameters = readonly SqlParameter[] | Readonly<Record<string, SqlParameter>>;

/** A row as read, keyed by column name. */
export type Row = Record<string, SqlValue>;

/** The result of one statement, with all rows fetched. */
export interface QueryResult<R = Row> {
  /** One object for each row. Of several columns with the same name it has the last; {@link tuples} has all. */
  readonly rows: readonly R[];
  /** The names of the columns in order, even if there are no rows; empty for a statement that returns none. */
  readonly columns: readonly string[];
  /** Each row as the values of {@link columns}, in their order. */
  readonly tuples: readonly (readonly SqlValue[])[];
  /** Rows inserted, updated or deleted; 0 for a query. */
  readonly changes: number;
  /**
   * The key of the last inserted row, if the statement inserted one and the engine numbers rows by itself, as SQLite does.
   * PostgreSQL does not: code for both engines writes `INSERT … RETURNING id`.
   */
  readonly lastRowId: number | bigint | undefined;
  /** All rows: the guide's `cursor.fetchall()`. */
  fetchAll(): readonly R[];
  /** The first row, if any: the guide's `cursor.fetchone()`. */
  fetchOne(): R | undefined;
}

/** The dialect of SQL that an engine understands. */
export type SqlDialect = 'sqlite' | 'postgres';

/**
 * Anything that runs statements: the database itself, or one transaction on it.
 *
 * A statement has the same placeholders on every engine: `?`, `?1` or `:name`. In `CREATE TABLE` the types `INTEGER`, `BOOLEAN`,
 * `REAL` and `BLOB` mean 64-bit integers, 0 or 1, 64-bit floats and bytes, `INTEGER PRIMARY KEY` numbers rows by itself, and
 * `INSERT OR IGNORE` skips a row that breaks a unique constraint. The rest of the SQL is the engine's own. A parameter whose type
 * nothing in the statement determines, as in `SELECT ?`, needs a `CAST`. Names are not case-sensitive on SQLite; PostgreSQL
 * folds names without quotes to lower case, so a name with upper case needs quotes.
 */
export interface Queryable {
  execute<R = Row>(sql: string, params?: SqlParameters): Promise<QueryResult<R>>;
}

/** A unit of work: all of it is durable when it commits, or none of it happened. */
export interface Transaction extends Queryable {
  readonly dialect: SqlDialect;
  /** Runs a nested transaction, a savepoint, which alone is rolled back when `work` rejects. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /**
   * Runs `effect` when the outermost transaction is durable, and never if this transaction or an outer one is rolled back. Effects
   * outside the database belong here, because `work` may run more than once. An effect that throws or rejects is reported; the
   * commit stands.
   *
   * @example
   * ```ts
   * await database.transaction(async (tx) => {
   *   await tx.execute('INSERT INTO note (text) VALUES (?)', [text]);
   *   tx.afterCommit(() => cache.delete('notes'));
   * });
   * ```
   */
  afterCommit(effect: () => unknown): void;
}

/** A transaction in the guide's explicit form. */
export interface OpenTransaction extends Transaction {
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

/** How a transaction is opened. */
export interface TransactionOptions {
  /** A consistent view that never blocks the writer. Default `false`. */
  readonly readOnly?: boolean;
  /** Milliseconds after which a forgotten transaction is rolled back. Default 30 000. */
  readonly timeoutMs?: number;
}

/** One step of a plugin's schema. Applied once, in order, in a transaction; its text may never change later. */
export interface Migration {
  /** Sorts in order of application and never changes: `001_messages`. */
  readonly id: string;
  /** One or more SQL statements; one text for each dialect if a single text cannot serve both. */
  readonly sql: string | Readonly<Record<SqlDialect, string>>;
}

/** The migrations that a call of `migrate` has applied. */
export interface MigrationReport {
  readonly owner: string;
  readonly applied: readonly string[];
  readonly alreadyApplied: number;
}

/** Whether the database accepts writes. Reads continue in every state except `unreachable`. */
export type DatabaseState =
  | { readonly kind: 'ready' }
  /** Writes are refused until the disk accepts them again, which is checked automatically. `condition` gives the reason. */
  | {
      readonly kind: 'read-only';
      readonly reason: 'disk-full' | 'write-refused';
      readonly condition: string;
      readonly since: Date;
    }
  /** The server of the database cannot be reached: every statement is refused until it answers, which is checked automatically. */
  | { readonly kind: 'unreachable'; readonly reason: string; readonly since: Date }
  /** An fsync failed or a file of the database is missing: no write is acknowledged until a restart. */
  | { readonly kind: 'failed'; readonly reason: string };

/** A statement that has exceeded its time limit and still runs. */
export interface OverdueStatement {
  /** The owner of the statement; `undefined` for the backend itself. */
  readonly owner: string | undefined;
  /** The statement without its literals. */
  readonly statement: string;
  readonly since: Date;
}

/** The options of a stream of rows. */
export interface StreamOptions {
  /** Milliseconds after which a stream is closed from which no row was read. Default 30 000. */
  readonly idleMs?: number;
}

/** An operation of an engine on its store as a whole. */
export type DatabaseCapability = 'backup' | 'restore' | 'rotate-key' | 'rollback-guard' | 'vacuum' | 'check';

/** A table, and those of its columns that the administrator of the store can read. */
export interface ClearColumns {
  readonly table: string;
  readonly columns: readonly string[];
}

/** The state of the database, read from the database itself. */
export interface DatabaseStatus {
  /** The engine's name: `SQLite` or `PostgreSQL`. */
  readonly engine: string;
  readonly version: string;
  /** The file, or the server and the name of the database; never a password. */
  readonly location: string;
  /** The bytes that the database takes on the disk. */
  readonly bytes: number;
  readonly capabilities: readonly DatabaseCapability[];
  /** The columns that lie in the clear: none where the engine encrypts the whole store. */
  readonly clear: readonly ClearColumns[];
  readonly tables: readonly { readonly name: string; readonly rows: number }[];
  readonly migrations: readonly { readonly owner: string; readonly id: string; readonly appliedAt: string }[];
  /** Further facts in the engine's own terms, such as the cipher or the journal mode. */
  readonly details: Readonly<Record<string, string | number>>;
}

/**
 * The service `'database'`: an SQL store. An engine implements {@link OwnableDatabase}, and passes `databaseSuite` of
 * `@aico/shared/data/database-suite`, which tests all that this interface promises.
 */
export interface Database extends Queryable {
  readonly dialect: SqlDialect;
  /** The state after the last write or attempt. `check` examines the file itself. */
  readonly state: DatabaseState;
  /** Statements beyond their time limit. An overdue write blocks all writes; an overdue read was abandoned. */
  readonly overdue: readonly OverdueStatement[];
  /**
   * Runs `work`; commits when it resolves, rolls back when it rejects. Resolves once the commit is durable.
   *
   * `work` may run more than once: an engine that finds a conflict with another transaction rolls it back and runs it again.
   * SQLite has one writer and never does, but a test backend runs `work` again at random. So `work` reads its data inside the
   * transaction, and leaves effects outside the database to `tx.afterCommit`. A statement that fails undoes only itself.
   *
   * @example
   * ```ts
   * await database.transaction(async (tx) => {
   *   const { rows } = await tx.execute<{ n: number }>('SELECT count(*) AS n FROM note');
   *   await tx.execute('INSERT INTO note (text) VALUES (?)', [`note ${rows[0]?.n}`]);
   *   tx.afterCommit(() => logger.info('Note stored'));
   * });
   * ```
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /**
   * Opens a transaction to be ended by `commit()` or `rollback()`. Prefer `transaction`: the database cannot run these statements
   * again, so on an engine that finds a conflict `commit()` rejects.
   *
   * @throws {TransactionConflictError} from `commit()`, never on SQLite
   */
  begin(options?: TransactionOptions): Promise<OpenTransaction>;
  /** Reads a large result row by row, in bounded memory. */
  stream<R = Row>(sql: string, params?: SqlParameters, options?: StreamOptions): AsyncIterable<R>;
  /** Applies the pending migrations of `owner`. Throws if an applied migration was changed. */
  migrate(owner: string, migrations: readonly Migration[]): Promise<MigrationReport>;
  /** Reads from the file itself; rejects if it is missing, replaced or corrupt, or the database is closed. */
  check(): Promise<void>;
  status(): Promise<DatabaseStatus>;
  close(): Promise<void>;
}

/** The other owners whose tables an owner may use. */
export interface TableGrants {
  readonly reads?: readonly string[];
  /** Owners whose tables may be read and written. */
  readonly writes?: readonly string[];
}

/** The database with the rights of one owner. */
export interface DatabaseView extends Database {
  /** The same transaction with this owner's rights, for code that opens one and lets a plugin use it. */
  within(tx: Transaction): Transaction;
}

/** The database with all rights, from which the composition root makes the views of owners. */
export interface OwnableDatabase extends Database {
  /**
   * Returns the space of deleted rows to the file system.
   * @throws {CapabilityMissingError} when the engine has no such operation
   */
  vacuum(): Promise<void>;
  /** Refuses writes until a restart, because they could not be found again for `reason`. Reads continue. */
  stopAcknowledging(reason: Error): void;
  /** The place in the code where each open transaction was opened. */
  readonly transactions: readonly string[];
  /**
   * The same database with the rights of one owner: the tables that its migrations created, and those of the owners in `grants`.
   * Only `migrate` can change the schema.
   * @throws {OwnerReservedError} when `owner` or an owner in `grants` is a part of the backend itself
   */
  ownedBy(owner: string, grants?: TableGrants): DatabaseView;
}
