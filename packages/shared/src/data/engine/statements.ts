import type Driver from 'better-sqlite3-multiple-ciphers';
import type { SqlValue } from '../types.ts';
import type { CommitCounter } from './commit-counter.ts';
import type { Connection } from './connection.ts';
import { EngineRefusal } from './failure.ts';
import { CHANGES_SCHEMA, INSERTS, UPSERTS } from './wire.ts';

export type Arguments = readonly SqlValue[] | Readonly<Record<string, SqlValue>>;

/** A statement's text and what the main thread found out about it. */
export interface Definition {
  readonly sql: string;
  readonly flags: number;
}

interface Prepared {
  readonly statement: Driver.Statement<unknown[], SqlValue[]>;
  readonly flags: number;
  readonly readOnly: boolean;
  readonly columns: readonly string[];
}

/** Where the outcome of calls is collected, value after value. */
export interface Outcome {
  readonly rows: number[];
  readonly values: SqlValue[];
  readonly layouts: (number | readonly string[])[];
  readonly effects: (number | bigint | null)[];
}

/** The statements prepared on one connection, by their id. */
export class PreparedStatements {
  readonly #connection: Connection;
  readonly #definitions: ReadonlyMap<number, Definition>;
  readonly #prepared = new Map<number, Prepared>();
  readonly #effects: Driver.Statement<unknown[], [number | bigint, number | bigint]>;
  readonly #schemaVersion: Driver.Statement<unknown[], number>;
  readonly #begin: Driver.Statement<unknown[]>;
  readonly #commit: Driver.Statement<unknown[]>;
  readonly #counter: CommitCounter | undefined;
  /** Something of the open transaction may have to be stored. */
  #wrote = false;
  #knownSchema: number | undefined;
  #lastRowId: number | bigint = 0;

  /** The database file. */
  get file(): string {
    return this.#connection.name;
  }

  constructor(
    connection: Connection,
    definitions: ReadonlyMap<number, Definition>,
    counter?: CommitCounter | undefined,
  ) {
    this.#connection = connection;
    this.#counter = counter;
    this.#definitions = definitions;
    this.#effects = connection
      .prepare<unknown[], [number | bigint, number | bigint]>('SELECT changes(), last_insert_rowid()')
      .raw()
      .safeIntegers();
    this.#begin = connection.prepare(connection.readonly ? 'BEGIN' : 'BEGIN IMMEDIATE');
    this.#commit = connection.prepare('COMMIT');
    this.#schemaVersion = connection.prepare<unknown[], number>('PRAGMA schema_version').pluck();
  }

  /** Begins a transaction, on the writer with its lock taken. */
  begin(): void {
    this.#wrote = false;
    this.#begin.run();
  }

  /** A statement that came another way may have written. */
  noteWrite(): void {
    this.#wrote = true;
  }

  commit(): void {
    if (this.#wrote) this.#counter?.beforeCommit();
    this.#commit.run();
    if (this.#wrote) this.#counter?.afterCommit();
  }

  forget(id: number): void {
    this.#prepared.delete(id);
  }

  /** After a change of schema a prepared `SELECT *` would give rows under the names of before. */
  forgetAll(): void {
    this.#prepared.clear();
  }

  /** Drops what was prepared under another schema. Exact inside a transaction: one snapshot, one schema. */
  followSchema(): void {
    const version = this.#schemaVersion.get();
    if (version === this.#knownSchema) return;
    this.#knownSchema = version;
    this.forgetAll();
    // The engine notices a new schema when it runs a statement, not when it prepares one.
    this.#connection.prepare('SELECT count(*) FROM sqlite_schema').get();
  }

  /** Runs a call, its arguments as `bindable` made them, and adds its outcome; throws the driver's error and then adds nothing. */
  run(id: number, args: Arguments, outcome: Outcome, mayWrite: boolean): void {
    let prepared = this.#prepared.get(id);
    if (prepared === undefined) {
      prepared = this.#prepare(id);
      this.#prepared.set(id, prepared);
      if (prepared.columns.length > 0) outcome.layouts.push(id, prepared.columns);
    }
    if (!mayWrite) {
      if (!prepared.readOnly) throw new EngineRefusal('AICO_NOT_READ_ONLY', 'the statement writes');
      const { values } = outcome;
      const rows = this.#read(prepared.statement, args);
      for (const row of rows) for (const value of row) values.push(value);
      outcome.rows.push(rows.length);
      return;
    }
    this.#runWriting(prepared, args, outcome);
    if ((prepared.flags & CHANGES_SCHEMA) !== 0) this.forgetAll();
  }

  #prepare(id: number): Prepared {
    const definition = this.#definitions.get(id);
    if (definition === undefined) throw new Error(`statement ${id} was never defined`);
    const statement = this.#connection.prepare<unknown[], SqlValue[]>(definition.sql);
    const columns = statement.reader ? statement.columns().map((column) => column.name) : [];
    if (statement.reader) statement.raw();
    if (statement.reader && !statement.readonly) statement.safeIntegers();
    return { statement, flags: definition.flags, readOnly: statement.readonly, columns };
  }

  /** Integers are fast as doubles; where one may have lost digits the statement is read again with exact ones. */
  #read(statement: Driver.Statement<unknown[], SqlValue[]>, args: Arguments): SqlValue[][] {
    const rows = statement.all(args);
    for (const row of rows)
      for (const value of row)
        if (
          typeof value === 'number' &&
          (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER)
        ) {
          try {
            return statement.safeIntegers(true).all(args).map(withExactIntegers);
          } finally {
            statement.safeIntegers(false);
          }
        }
    return rows;
  }

  #runWriting(prepared: Prepared, args: Arguments, outcome: Outcome): void {
    const { statement, flags } = prepared;
    if (prepared.readOnly && statement.reader) {
      const rows = this.#read(statement, args);
      for (const row of rows) for (const value of row) outcome.values.push(value);
      outcome.rows.push(rows.length);
      outcome.effects.push(0, null);
      return;
    }
    this.#wrote = true;
    let changes: number;
    let lastRowId: number | bigint;
    let count = 0;
    if (statement.reader) {
      const rows = statement.all(args).map(withExactIntegers);
      for (const row of rows) for (const value of row) outcome.values.push(value);
      count = rows.length;
      const [changed, last] = this.#effects.get() ?? [0, 0];
      changes = Number(changed);
      lastRowId = exact(last);
    } else {
      const info = statement.run(args);
      changes = info.changes;
      lastRowId = info.lastInsertRowid;
      if (!Number.isSafeInteger(lastRowId)) lastRowId = exact(this.#effects.get()?.[1] ?? lastRowId);
    }
    // An upsert that updated leaves the key of some earlier row standing.
    const inserted =
      (flags & INSERTS) !== 0 && changes > 0 && ((flags & UPSERTS) === 0 || lastRowId !== this.#lastRowId);
    this.#lastRowId = lastRowId;
    outcome.rows.push(count);
    outcome.effects.push(changes, inserted ? lastRowId : null);
  }
}

/** Integers bound as integers: as the doubles the driver makes of them, 5 in a TEXT column would become '5.0'. */
export function bindable(value: SqlValue): SqlValue {
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
}

export function bindableArguments(args: Arguments): Arguments {
  if (isPositional(args)) return args.map(bindable);
  return Object.fromEntries(Object.entries(args).map(([name, value]) => [name, bindable(value)]));
}

function isPositional(args: Arguments): args is readonly SqlValue[] {
  return Array.isArray(args);
}

function exact(value: number | bigint): number | bigint {
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}

/** A row read with every integer as `bigint`: those that a number holds exactly become numbers. */
export function withExactIntegers(row: SqlValue[]): SqlValue[] {
  return row.map((value) => (typeof value === 'bigint' ? exact(value) : value));
}
