import { randomInt } from 'node:crypto';
import type { Connection } from '../driver.ts';

/** Row ids from here to half of it are not used by real tables. */
const FARTHEST = -(2 ** 47);

/**
 * Detects whether an upsert inserted a row. An upsert that updates leaves `last_insert_rowid()` unchanged, and the old value can
 * equal the key of an inserted row. So `last_insert_rowid()` is set to a mark first, and restored if no row was inserted.
 */
export class RowIdMark {
  readonly #mark = randomInt(FARTHEST, FARTHEST / 2);
  readonly #current: ReturnType<typeof currentRowId>;
  readonly #set: ReturnType<typeof setRowId>;
  readonly #clear: ReturnType<typeof clearRowIds>;

  constructor(connection: Connection) {
    // A temporary table is in memory and belongs to this connection.
    connection.exec('CREATE TEMP TABLE _aico_row_id_mark (id INTEGER PRIMARY KEY)');
    this.#current = currentRowId(connection);
    this.#set = setRowId(connection);
    this.#clear = clearRowIds(connection);
  }

  /** Runs an upsert. */
  around(upsert: () => void): void {
    const before = this.#current.get() ?? 0n;
    this.#set.run(this.#mark);
    try {
      upsert();
    } finally {
      if (Number(this.#current.get()) === this.#mark) this.#set.run(before);
      this.#clear.run();
    }
  }

  is(rowId: number | bigint): boolean {
    return rowId === this.#mark;
  }
}

function currentRowId(connection: Connection) {
  return connection.prepare<unknown[], bigint>('SELECT last_insert_rowid()').pluck().safeIntegers();
}

function setRowId(connection: Connection) {
  return connection.prepare<[number | bigint]>('INSERT INTO temp._aico_row_id_mark VALUES (?)');
}

function clearRowIds(connection: Connection) {
  return connection.prepare('DELETE FROM temp._aico_row_id_mark');
}
