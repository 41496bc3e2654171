import type { QueryResult, Row, SqlValue } from '../types.ts';

/** The columns of a statement's rows, in order. */
export class Columns {
  readonly names: readonly string[];
  /** Two columns have the same name, so that rows as objects lack one of them. */
  readonly areAmbiguous: boolean;

  static readonly none: Columns = new Columns([]);

  constructor(names: readonly string[]) {
    this.names = names;
    this.areAmbiguous = new Set(names).size < names.length;
  }

  /** Makes the row whose values begin at `at` an object. */
  rowAt(values: readonly SqlValue[], at: number): Row {
    const { names } = this;
    const row: Row = {};
    for (let column = 0; column < names.length; column += 1) {
      const name = names[column] ?? '';
      const value = values[at + column] ?? null;
      // An assignment to this name would set the prototype of the row instead.
      if (name === '__proto__')
        Object.defineProperty(row, name, { value, enumerable: true, writable: true, configurable: true });
      else row[name] = value;
    }
    return row;
  }
}

interface ResultParts {
  readonly columns: Columns;
  readonly rows: readonly Row[];
  /** The rows as arrays, if the columns are ambiguous. */
  readonly tuples?: readonly (readonly SqlValue[])[] | undefined;
  readonly changes: number;
  readonly lastRowId: number | bigint | undefined;
}

/** The outcome of one statement. */
export class StatementResult implements QueryResult {
  readonly rows: readonly Row[];
  readonly changes: number;
  readonly lastRowId: number | bigint | undefined;
  readonly #columns: Columns;
  readonly #tuples: readonly (readonly SqlValue[])[] | undefined;

  constructor({ columns, rows, tuples, changes, lastRowId }: ResultParts) {
    this.rows = rows;
    this.changes = changes;
    this.lastRowId = lastRowId;
    this.#columns = columns;
    this.#tuples = tuples;
  }

  get columns(): readonly string[] {
    return this.#columns.names;
  }

  get tuples(): readonly (readonly SqlValue[])[] {
    const { names } = this.#columns;
    return this.#tuples ?? this.rows.map((row) => names.map((name) => row[name] ?? null));
  }

  fetchAll(): readonly Row[] {
    return this.rows;
  }

  fetchOne(): Row | undefined {
    return this.rows[0];
  }
}
