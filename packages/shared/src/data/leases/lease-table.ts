import type { Database, Migration, SqlDialect, Transaction } from '../types.ts';

/** The owner of the table. */
export const OWNER = 'leases';

// The epoch is in a unique index, so that PostgreSQL lets a guard and a renewal, which changes `until_ms` only, pass each other,
// whereas a takeover waits for the transactions that the earlier holder has guarded.
const TABLE = `CREATE TABLE lease (
      name TEXT NOT NULL PRIMARY KEY, node TEXT NOT NULL, epoch INTEGER NOT NULL, until_ms INTEGER NOT NULL, UNIQUE (name, epoch)
    )`;

const MIGRATIONS: readonly Migration[] = [
  { id: '001_lease', sql: { sqlite: `${TABLE} STRICT`, postgres: TABLE } },
];

/** A lease as the database has it. */
export interface LeaseRow {
  readonly name: string;
  /** The node that holds it, or held it last. */
  readonly node: string;
  /** Grows by one with each holder. */
  readonly epoch: number;
  /** Milliseconds since 1970 by the clock of the database; 0 if its last holder has released it. */
  readonly untilMs: number;
  readonly isCurrent: boolean;
}

const NOW_MS: Readonly<Record<SqlDialect, string>> = {
  sqlite: "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
  postgres: 'CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)',
};

/** SQLite has one writer, so nothing changes during a transaction that writes. */
const LOCK: Readonly<Record<SqlDialect, string>> = { sqlite: '', postgres: ' FOR KEY SHARE' };

/** The statements on the table of leases, each of which is atomic. */
export class LeaseTable {
  readonly #database: Database;
  readonly #nowMs: string;

  /** @param nowMs the time of the database as an SQL expression, which tests replace */
  constructor(database: Database, nowMs: string = NOW_MS[database.dialect]) {
    this.#database = database;
    this.#nowMs = nowMs;
  }

  async migrate(): Promise<void> {
    await this.#database.migrate(OWNER, MIGRATIONS);
  }

  async list(): Promise<readonly LeaseRow[]> {
    const { rows } = await this.#database.execute<Columns>(
      `SELECT name, node, epoch, until_ms, until_ms > ${this.#nowMs} AS is_current FROM lease ORDER BY name`,
    );
    return rows.map(rowOf);
  }

  async find(name: string): Promise<LeaseRow | undefined> {
    const { rows } = await this.#database.execute<Columns>(
      `SELECT name, node, epoch, until_ms, until_ms > ${this.#nowMs} AS is_current FROM lease WHERE name = ?`,
      [name],
    );
    return rows[0] && rowOf(rows[0]);
  }

  /** Makes the row of a lease that no node has held yet. */
  async add(name: string): Promise<void> {
    await this.#database.execute(
      "INSERT OR IGNORE INTO lease (name, node, epoch, until_ms) VALUES (?, '', 0, 0)",
      [name],
    );
  }

  /**
   * Takes the lease for `node`, if its row is still the one that was read.
   * @returns the new epoch; `undefined` if another node was faster
   */
  async take(row: LeaseRow, node: string, ttlMs: number): Promise<number | undefined> {
    const { rows } = await this.#database.execute<{ epoch: number }>(
      `UPDATE lease SET node = ?, epoch = epoch + 1, until_ms = ${this.#nowMs} + ?
        WHERE name = ? AND epoch = ? AND until_ms = ? RETURNING epoch`,
      [node, ttlMs, row.name, row.epoch, row.untilMs],
    );
    return rows[0] && Number(rows[0].epoch);
  }

  /**
   * Changes the row in any case, also if the clock of the database was set back since the last renewal: a row that does not change
   * is regarded as abandoned.
   * @returns whether the lease is still that of the epoch
   */
  async renew(name: string, epoch: number, ttlMs: number): Promise<boolean> {
    const { changes } = await this.#database.execute(
      `UPDATE lease SET until_ms = CASE WHEN lease.until_ms = moment.until_ms THEN moment.until_ms + 1 ELSE moment.until_ms END
        FROM (SELECT ${this.#nowMs} + ? AS until_ms) AS moment WHERE name = ? AND epoch = ?`,
      [ttlMs, name, epoch],
    );
    return changes > 0;
  }

  async release(name: string, epoch: number): Promise<void> {
    await this.#database.execute('UPDATE lease SET until_ms = 0 WHERE name = ? AND epoch = ?', [name, epoch]);
  }

  /**
   * Locks the row against a takeover until `tx` has ended.
   * @returns whether the lease is still that of the epoch
   */
  async lock(tx: Transaction, name: string, epoch: number): Promise<boolean> {
    const { rows } = await tx.execute(
      `SELECT 1 AS held FROM lease WHERE name = ? AND epoch = ?${LOCK[tx.dialect]}`,
      [name, epoch],
    );
    return rows.length > 0;
  }
}

interface Columns {
  readonly name: string;
  readonly node: string;
  readonly epoch: number;
  readonly until_ms: number;
  readonly is_current: number | boolean;
}

function rowOf({ name, node, epoch, until_ms, is_current }: Columns): LeaseRow {
  return {
    name,
    node,
    epoch: Number(epoch),
    untilMs: Number(until_ms),
    isCurrent: Boolean(is_current),
  };
}
