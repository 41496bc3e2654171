import type { QueryResult, Row } from './types.ts';

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
