import type Driver from 'better-sqlite3-multiple-ciphers';
import type { Connection } from '../driver.ts';
import { authorise, protectStore } from '../ownership/authority.ts';
import type { Principal } from '../ownership/principal.ts';
import { type BoundParameters, isPositional } from '../statements/bound-parameters.ts';
import type { SqlValue } from '../types.ts';
import type { CommitCounter } from './commit-counter.ts';
import type { DiskFaults } from './disk-faults.ts';
import { EngineRefusal } from './failure.ts';
import { type ProgramFacts, programFacts } from './program.ts';
import { RowIdMark } from './row-id-mark.ts';
import { CHANGES_SCHEMA } from './wire.ts';

/** The text of a statement, with its flags and its principal. */
export interface Definition {
  readonly sql: string;
  readonly flags: number;
  /** The principal whose rights apply; `undefined` for the backend itself, which has all rights. */
  readonly principal: Principal | undefined;
}

interface Prepared {
  readonly statement: Driver.Statement<unknown[], SqlValue[]>;
  readonly changesSchema: boolean;
  readonly readOnly: boolean;
  readonly facts: ProgramFacts;
  columns: readonly string[];
  /** The main thread has received the names of the columns. */
  columnsSent: boolean;
}

/** The collected outcomes of several calls, as flat arrays. */
export interface Outcome {
  readonly rows: number[];
  readonly values: SqlValue[];
  /** Column names that changed: the index of the call from which they apply, the names, the next index, … */
  readonly layouts: (number | readonly string[])[];
  readonly effects: (number | bigint | null)[];
  /** Bytes that the rows take. */
  bytes: number;
}

export function emptyOutcome(): Outcome {
  return { rows: [], values: [], layouts: [], effects: [], bytes: 0 };
}

/** Truncates the outcome to an earlier number of rows, values and bytes. */
export function truncate(outcome: Outcome, rows: number, values: number, bytes: number): void {
  outcome.bytes = bytes;
  outcome.rows.length = rows;
  outcome.values.length = values;
  outcome.effects.length = Math.min(outcome.effects.length, rows * 2);
  const { layouts } = outcome;
  while (layouts.length > 0 && Number(layouts[layouts.length - 2]) >= rows) layouts.length -= 2;
}

interface StatementsOptions {
  /** Shared memory that names the running call: see `ThreadWatch`. */
  readonly progress: Float64Array;
  /** Bytes that the rows of one statement may take. */
  readonly maxResultBytes: number;
  readonly counter?: CommitCounter | undefined;
  readonly faults?: DiskFaults | undefined;
}

/** The prepared statements of one connection, by id. */
export class PreparedStatements {
  readonly #connection: Connection;
  readonly #definitions: ReadonlyMap<number, Definition>;
  readonly #prepared = new Map<number, Prepared>();
  /** The statements that were authorised under the present schema. */
  readonly #allowed = new Set<number>();
  readonly #effects: Driver.Statement<unknown[], [number | bigint, number | bigint]>;
  readonly #schemaVersion: Driver.Statement<unknown[], number>;
  readonly #begin: Driver.Statement<unknown[]>;
  readonly #commit: Driver.Statement<unknown[]>;
  readonly #counter: CommitCounter | undefined;
  readonly #faults: DiskFaults | undefined;
  readonly #progress: Float64Array;
  readonly #maxResultBytes: number;
  readonly #rowIdMark: RowIdMark | undefined;
  /** The open transaction may have changed the database. */
  #wrote = false;
  #knownSchema: number | undefined;

  /** The database file. */
  get file(): string {
    return this.#connection.name;
  }

  constructor(
    connection: Connection,
    definitions: ReadonlyMap<number, Definition>,
    { progress, maxResultBytes, counter, faults }: StatementsOptions,
  ) {
    this.#connection = connection;
    this.#progress = progress;
    this.#maxResultBytes = maxResultBytes;
    this.#counter = counter;
    this.#faults = faults;
    this.#definitions = definitions;
    this.#effects = connection
      .prepare<unknown[], [number | bigint, number | bigint]>('SELECT changes(), last_insert_rowid()')
      .raw()
      .safeIntegers();
    this.#begin = connection.prepare(connection.readonly ? 'BEGIN' : 'BEGIN IMMEDIATE');
    this.#commit = connection.prepare('COMMIT');
    this.#schemaVersion = connection.prepare<unknown[], number>('PRAGMA schema_version').pluck();
    this.#rowIdMark = connection.readonly ? undefined : new RowIdMark(connection);
  }

  /** Begins a transaction; on the writer's connection this takes the write lock. */
  begin(): void {
    this.#wrote = false;
    this.#begin.run();
    if (!this.#connection.readonly) this.followSchema();
  }

  /** Begins a transaction that only reads. */
  beginReading(): void {
    this.#wrote = false;
    this.#connection.exec('BEGIN');
    this.followSchema();
  }

  /** Whether the statement only reads, in a time that grows no faster than the tables. @throws as `run` does */
  isShortRead(id: number, args: BoundParameters): boolean {
    const { readOnly, facts } = this.#get(id, args);
    return readOnly && facts.isLinear;
  }

  /** Records that a statement that did not pass `run` may have written. */
  noteWrite(): void {
    this.#wrote = true;
  }

  commit(): void {
    this.#progress[1] = -1;
    if (this.#wrote) this.#faults?.beforeCommit();
    if (this.#wrote) this.#counter?.beforeCommit();
    this.#commit.run();
    if (this.#wrote) this.#counter?.afterCommit();
  }

  /** Rolls back the open transaction, if there is one, including its changes of the schema. */
  rollBack(): void {
    this.forgetAll();
    if (this.#connection.inTransaction) this.#connection.exec('ROLLBACK');
  }

  forget(id: number): void {
    this.#prepared.delete(id);
    this.#allowed.delete(id);
  }

  /** Must be called after a change of the schema: a prepared `SELECT *` would return rows with the old column names. */
  forgetAll(): void {
    this.#prepared.clear();
    // A reader sees committed schemas only, each with a unique version. A writer sees uncommitted schemas; after a rollback
    // another schema can have the same version.
    if (!this.#connection.readonly) this.#allowed.clear();
  }

  /** Drops statements that were prepared under another schema. Must be called inside a transaction, which has one schema. */
  followSchema(): void {
    const version = this.#schemaVersion.get();
    if (version === this.#knownSchema) return;
    this.#knownSchema = version;
    this.forgetAll();
    this.#allowed.clear();
    // SQLite notices a new schema when it runs a statement, not when it prepares one.
    this.#connection.prepare('SELECT count(*) FROM sqlite_schema').get();
  }

  /** Whether other statements in its transaction could change the statement's outcome. @throws as `run` does */
  needsOwnTransaction(id: number, args: BoundParameters): boolean {
    const { facts, changesSchema } = this.#get(id, args);
    return changesSchema || facts.needsOwnTransaction;
  }

  /** Runs a call with arguments from `bindable` and adds its outcome. @throws the driver's error, and then adds nothing */
  run(id: number, args: BoundParameters, outcome: Outcome, mayWrite: boolean): void {
    this.#progress[1] = outcome.rows.length;
    const prepared = this.#get(id, args);
    if (prepared.readOnly && prepared.statement.reader) {
      addRows(prepared, this.#read(prepared, args), outcome);
      if (mayWrite) outcome.effects.push(0, null);
      return;
    }
    if (!mayWrite) throw new EngineRefusal('ENGINE_NOT_READ_ONLY', 'the statement writes');
    this.#wrote = true;
    try {
      // A statement whose result is too large has already changed rows; the savepoint undoes them.
      if (prepared.facts.storesInPart || prepared.statement.reader)
        this.#inSavepoint(() => this.#write(prepared, args, outcome));
      else this.#write(prepared, args, outcome);
    } catch (error) {
      // OR ROLLBACK, a trigger's RAISE(ROLLBACK) or a disk fault has rolled back the transaction and its schema changes.
      if (!this.#connection.inTransaction) this.forgetAll();
      throw error;
    }
    if (prepared.changesSchema) this.forgetAll();
  }

  #get(id: number, args: BoundParameters): Prepared {
    const known = this.#prepared.get(id);
    if (known !== undefined) return known;
    const definition = this.#definitions.get(id);
    if (definition === undefined) throw new Error(`statement ${id} was never defined`);
    const { sql, principal } = definition;
    if (principal !== undefined && !this.#allowed.has(id)) {
      authorise(this.#connection, principal, sql, args);
      this.#allowed.add(id);
    }
    const statement = this.#connection.prepare<unknown[], SqlValue[]>(sql);
    if (principal === undefined && !statement.readonly) protectStore(this.#connection, sql, args);
    if (statement.reader) statement.raw();
    if (statement.reader && !statement.readonly) statement.safeIntegers();
    const prepared: Prepared = {
      statement,
      changesSchema: (definition.flags & CHANGES_SCHEMA) !== 0,
      readOnly: statement.readonly,
      facts: programFacts(this.#connection, sql, args),
      columns: columnsOf(statement),
      columnsSent: false,
    };
    this.#prepared.set(id, prepared);
    return prepared;
  }

  /** Undoes all changes of a statement that fails, even if its conflict clause is OR FAIL. */
  #inSavepoint(work: () => void): void {
    this.#connection.exec('SAVEPOINT one_statement');
    try {
      work();
    } catch (error) {
      if (this.#connection.inTransaction)
        this.#connection.exec('ROLLBACK TO one_statement; RELEASE one_statement');
      throw error;
    }
    this.#connection.exec('RELEASE one_statement');
  }

  /** Reads integers as doubles, which is fast. If one may have lost digits, the statement is read again with exact integers. */
  #read(prepared: Prepared, args: BoundParameters): SqlValue[][] {
    const { statement } = prepared;
    const rows = this.#fetch(prepared, args);
    for (const row of rows)
      for (const value of row)
        if (
          typeof value === 'number' &&
          (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER)
        ) {
          try {
            statement.safeIntegers(true);
            return this.#fetch(prepared, args).map(withExactIntegers);
          } finally {
            statement.safeIntegers(false);
          }
        }
    return rows;
  }

  /** Reads all rows, up to the memory limit. For a single row, `all` takes a third of the time of `iterate`. */
  #fetch({ statement, facts }: Prepared, args: BoundParameters): SqlValue[][] {
    if (facts.singleRow) return statement.all(args);
    const rows: SqlValue[][] = [];
    let bytes = 0;
    for (const row of statement.iterate(args)) {
      bytes += bytesOfRow(row);
      if (bytes > this.#maxResultBytes)
        throw new EngineRefusal('ENGINE_RESULT_TOO_LARGE', String(this.#maxResultBytes));
      rows.push(row);
    }
    return rows;
  }

  #write(prepared: Prepared, args: BoundParameters, outcome: Outcome): void {
    const { insertsRowId, upserts } = prepared.facts;
    if (!insertsRowId || !upserts || this.#rowIdMark === undefined) {
      this.#runWriting(prepared, args, outcome, () => insertsRowId);
      return;
    }
    const mark = this.#rowIdMark;
    mark.around(() => this.#runWriting(prepared, args, outcome, (rowId) => !mark.is(rowId)));
  }

  #runWriting(
    prepared: Prepared,
    args: BoundParameters,
    outcome: Outcome,
    inserted: (rowId: number | bigint) => boolean,
  ): void {
    const { statement } = prepared;
    let changes: number;
    let lastRowId: number | bigint;
    if (statement.reader) {
      addRows(prepared, this.#fetch(prepared, args).map(withExactIntegers), outcome);
      const [changed, last] = this.#effects.get() ?? [0, 0];
      changes = Number(changed);
      lastRowId = exact(last);
    } else {
      const info = statement.run(args);
      outcome.rows.push(0);
      changes = info.changes;
      lastRowId = info.lastInsertRowid;
      if (!Number.isSafeInteger(lastRowId)) lastRowId = exact(this.#effects.get()?.[1] ?? lastRowId);
    }
    outcome.effects.push(changes, changes > 0 && inserted(lastRowId) ? lastRowId : null);
  }
}

function columnsOf(statement: Driver.Statement<unknown[], SqlValue[]>): readonly string[] {
  return statement.reader ? statement.columns().map((column) => column.name) : [];
}

/** Adds the rows of a call, and the column names if the main thread does not have them. */
function addRows(prepared: Prepared, rows: readonly SqlValue[][], outcome: Outcome): void {
  const width = rows[0]?.length ?? prepared.columns.length;
  if (width !== prepared.columns.length) {
    prepared.columns = columnsOf(prepared.statement);
    prepared.columnsSent = false;
  }
  if (!prepared.columnsSent) {
    outcome.layouts.push(outcome.rows.length, prepared.columns);
    prepared.columnsSent = true;
  }
  const { values } = outcome;
  for (const row of rows) {
    outcome.bytes += bytesOfRow(row);
    for (const value of row) values.push(value);
  }
  outcome.rows.push(rows.length);
}

/**
 * Converts integers to `bigint`: the driver binds a number as a double, and 5 in a TEXT column would become '5.0'. Negative zero
 * stays a number.
 */
export function bindable(value: SqlValue): SqlValue {
  return typeof value === 'number' && Number.isSafeInteger(value) && !Object.is(value, -0)
    ? BigInt(value)
    : value;
}

export function bindableArguments(args: BoundParameters): BoundParameters {
  if (isPositional(args)) return args.map(bindable);
  return Object.fromEntries(Object.entries(args).map(([name, value]) => [name, bindable(value)]));
}

function exact(value: number | bigint): number | bigint {
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}

/** Converts the `bigint` values of a row that are safe integers to numbers. */
export function withExactIntegers(row: SqlValue[]): SqlValue[] {
  return row.map((value) => (typeof value === 'bigint' ? exact(value) : value));
}

/** The estimated overhead of a row, and of a value, in memory. */
const ROW_BYTES = 32;
const VALUE_BYTES = 8;

/** Estimates the memory of a row. */
export function bytesOfRow(row: readonly SqlValue[]): number {
  let bytes = ROW_BYTES;
  for (const value of row) {
    bytes += VALUE_BYTES;
    if (typeof value === 'string') bytes += value.length;
    else if (value instanceof Uint8Array) bytes += value.byteLength;
  }
  return bytes;
}
