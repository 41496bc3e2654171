import type { QueryResult, Row, SqlValue } from '../types.ts';

/** The outcome of one statement. */
export class StatementResult implements QueryResult {
  readonly rows: readonly Row[];
  readonly changes: number;
  readonly lastRowId: number | bigint | undefined;

  constructor(rows: readonly Row[], changes: number, lastRowId: number | bigint | undefined) {
    this.rows = rows;
    this.changes = changes;
    this.lastRowId = lastRowId;
  }

  fetchAll(): readonly Row[] {
    return this.rows;
  }

  fetchOne(): Row | undefined {
    return this.rows[0];
  }
}

/** The row whose values begin at `at`, by the names of its columns. */
export function rowOf(names: readonly string[], values: readonly SqlValue[], at: number): Row {
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
