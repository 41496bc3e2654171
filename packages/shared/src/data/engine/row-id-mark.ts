import { randomInt } from 'node:crypto';
import type { Connection } from '../driver.ts';

/** A key that the newest row of no table has. */
const FARTHEST = -(2 ** 47);

/**
 * Tells whether an upsert has inserted. SQLite leaves `last_insert_rowid()` as it was when an upsert updates, and that may
 * happen to be the key of the row that another one inserts. So it is set to a mark first, and set back when nothing was
 * inserted.
 */
export class RowIdMark {
  readonly #mark = randomInt(FARTHEST, FARTHEST / 2);
  readonly #current: ReturnType<typeof currentRowId>;
  readonly #set: ReturnType<typeof setRowId>;
  readonly #clear: ReturnType<typeof clearRowIds>;

  constructor(connection: Connection) {
    // In memory and of this connection alone.
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
