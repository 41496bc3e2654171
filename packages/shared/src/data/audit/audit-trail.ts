import { parseJson } from '@aico/protocol';
import { createMutex } from '../../core/tasks/index.ts';
import type {
  Database,
  Migration,
  Queryable,
  QueryResult,
  SqlDialect,
  SqlParameter,
  Transaction,
} from '../types.ts';
import {
  CHAINED_FIELDS,
  type ChainedRow,
  digestOfValue,
  encodeTrailHead,
  hashOf,
  NO_HASH,
  newestTrailHead,
  type TrailHead,
} from './audit-chain.ts';
import { type AuditEvent, type AuditOutcome, BACKEND, type NotedEvent, note } from './audit-event.ts';

export const AUDIT_OWNER = 'audit';

export const AUDIT_MIGRATIONS: readonly Migration[] = [
  {
    id: '001_audit',
    sql: `
      CREATE TABLE audit (
        seq INTEGER PRIMARY KEY,
        time INTEGER NOT NULL,
        event TEXT NOT NULL UNIQUE,
        actor TEXT NOT NULL,
        action TEXT NOT NULL,
        subject TEXT NOT NULL,
        outcome TEXT NOT NULL,
        details TEXT NOT NULL,
        hash TEXT NOT NULL
      ) STRICT;
    `,
  },
  {
    id: '002_config',
    // SQLite has the table of the note beside its own tables, and copies it to the head file.
    sql: {
      sqlite: 'CREATE TABLE audit_config (key TEXT PRIMARY KEY, digest TEXT NOT NULL) STRICT',
      postgres: `CREATE TABLE audit_config (key TEXT PRIMARY KEY, digest TEXT NOT NULL);
        CREATE TABLE head_note (one BIGINT PRIMARY KEY CHECK (one = 1), text TEXT NOT NULL)`,
    },
  },
];

const CHECKED_AT_ONCE = 1_000;
const MOST_LISTED = 1_000;

export interface AuditTrailOptions {
  readonly database: Pick<Database, 'dialect' | 'execute' | 'transaction' | 'migrate'> & {
    /** The notes of the head file. An engine without one has the note in the table `head_note` alone. */
    headNotes?(): Promise<readonly string[]>;
  };
  /** 32 bytes of a purpose of their own. Copied; the caller wipes its own. */
  readonly key: Uint8Array;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
}

/** An event as the trail holds it. */
export interface AuditRecord {
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly event: string;
  /** `local`, `device:ID`, `backend` or `stranger:ADDRESS`. */
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly outcome: AuditOutcome;
  readonly details: Readonly<Record<string, unknown>>;
  /** Of this row and, through the hash of the row before, of all rows before it. */
  readonly hash: string;
}

/** Which events are listed: they have to meet all of it. */
export interface AuditQuery {
  /** `device.paired`, or `device` for all actions that begin with `device.`. */
  readonly action?: string | undefined;
  readonly actor?: string | undefined;
  readonly subject?: string | undefined;
  readonly outcome?: AuditOutcome | undefined;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** Only events before, or after, the one with this number: the next page. */
  readonly before?: number | undefined;
  readonly after?: number | undefined;
  /** Default `newest`. */
  readonly first?: 'newest' | 'oldest' | undefined;
  /** Default 100, at most 1,000. */
  readonly limit?: number | undefined;
}

/** The result of checking every row. */
export type AuditVerdict =
  | { readonly ok: true; readonly rows: number }
  | {
      readonly ok: false;
      readonly rows: number;
      /** The number of the first row that is wrong or missing. */
      readonly firstBroken: number;
      readonly reason: AuditFault;
    };

export type AuditFault =
  | 'the row was changed, or does not follow the row before it'
  | 'the row is missing'
  | 'the row and those after it were cut off'
  | 'the head of the trail is missing or was not written with the key of this home';

/**
 * The security-relevant events of a home, in a table whose rows are chained by hashes with a key that the database does not hold.
 * The number and hash of the last row are also in the head of the database, so that cutting the end off is found too.
 *
 * A trail that was changed is continued in such a way that {@link verify} goes on finding the change.
 *
 * @example
 * ```ts
 * const trail = await AuditTrail.open({ database, key: keys.deriveKey('audit') });
 * await database.transaction(async (tx) => {
 *   await tx.execute('DELETE FROM device WHERE id = ?', [id]);
 *   await trail.within(tx, { action: 'device.revoked', subject: id });
 * });
 * const verdict = await trail.verify();
 * ```
 */
export class AuditTrail {
  readonly #database: AuditTrailOptions['database'];
  readonly #key: Uint8Array;
  readonly #now: () => number;
  readonly #verifying = createMutex();
  /** The last row that is durable, by the head of the database and the rows that this object has written. */
  #head: TrailHead;
  /** The trail has rows and no valid head, so the chain must not go on as if it were in order. */
  #isHeadLost: boolean;

  private constructor(
    { database, key, now = Date.now }: AuditTrailOptions,
    head: TrailHead | undefined,
    rows: number,
  ) {
    this.#database = database;
    this.#key = Uint8Array.from(key);
    this.#now = now;
    this.#head = head ?? { count: 0, hash: NO_HASH };
    this.#isHeadLost = head === undefined && rows > 0;
  }

  /** Creates the table if needed, and reads where the trail ends. */
  static async open(options: AuditTrailOptions): Promise<AuditTrail> {
    await options.database.migrate(AUDIT_OWNER, AUDIT_MIGRATIONS);
    const head = newestTrailHead(await headNotesOf(options.database), options.key);
    const last = await lastRow(options.database);
    return new AuditTrail(options, head, last?.count ?? 0);
  }

  /** Records an event in a transaction of its own. Durable when it resolves. */
  async record(event: AuditEvent): Promise<void> {
    await this.recordNoted([note(event, this.#now)]);
  }

  /** Records an event in the caller's transaction, on the same database: both become durable, or neither. */
  async within(tx: Transaction, event: AuditEvent): Promise<void> {
    await this.#append(tx, [note(event, this.#now)]);
  }

  /** Records events that happened before. One that the trail has already is not recorded again. */
  async recordNoted(events: readonly NotedEvent[]): Promise<void> {
    await this.#database.transaction((tx) => this.#append(tx, events));
  }

  /**
   * Records which values of the configuration are not those of the last call. Of each, the trail keeps a digest alone.
   *
   * @param values each key with its value as text
   */
  async recordConfig(values: ReadonlyMap<string, string>): Promise<void> {
    const digests = new Map([...values].map(([key, value]) => [key, digestOfValue(key, value, this.#key)]));
    const { rows } = await this.#database.execute<{ key: string; digest: string }>(
      'SELECT key, digest FROM audit_config',
    );
    const known = new Map(rows.map(({ key, digest }) => [key, digest]));
    const keys = [...new Set([...known.keys(), ...digests.keys()])].filter(
      (key) => known.get(key) !== digests.get(key),
    );
    if (keys.length === 0) return;
    await this.#database.transaction(async (tx) => {
      await tx.execute('DELETE FROM audit_config');
      for (const [key, digest] of digests)
        await tx.execute('INSERT INTO audit_config VALUES (?, ?)', [key, digest]);
      await this.within(tx, { actor: BACKEND, action: 'config.changed', details: { keys: keys.sort() } });
    });
  }

  async #append(tx: Transaction, events: readonly NotedEvent[]): Promise<void> {
    const last = await lastRow(tx);
    // Rows were cut off: the numbers go on behind them, and leave a gap for good.
    let head = last === undefined || last.count < this.#head.count ? this.#head : last;
    // The head is lost, so rows may be missing: leave a gap, which verification reports.
    if (this.#isHeadLost) head = { ...head, count: head.count + 1 };
    const before = head;
    for (const { event, time, actor, action, subject, outcome, details } of events) {
      const { rows } = await tx.execute('SELECT 1 FROM audit WHERE event = ?', [event]);
      if (rows.length > 0) continue;
      const count = head.count + 1;
      const values = { seq: count, time, event, actor, action, subject, outcome, details };
      const hash = hashOf(head.hash, encoded(values), this.#key);
      head = { count, hash };
      await tx.execute(
        'INSERT INTO audit VALUES (:seq, :time, :event, :actor, :action, :subject, :outcome, :details, :hash)',
        {
          ...values,
          hash,
        },
      );
    }
    if (head === before) return;
    await tx.execute(
      'INSERT INTO head_note VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET text = excluded.text',
      [encodeTrailHead(head, this.#key)],
    );
    tx.afterCommit(() => {
      this.#isHeadLost = false;
      if (head.count > this.#head.count) this.#head = head;
    });
  }

  async query(query: AuditQuery): Promise<readonly AuditRecord[]> {
    const conditions: string[] = [];
    const params: Record<string, SqlParameter> = {
      limit: Math.max(1, Math.min(MOST_LISTED, Math.trunc(query.limit ?? 100))),
    };
    const compare = (condition: string, name: string, value: SqlParameter | undefined): void => {
      if (value === undefined) return;
      conditions.push(condition);
      params[name] = value;
    };
    compare(
      "(action = :action OR substr(action, 1, length(:action) + 1) = :action || '.')",
      'action',
      query.action,
    );
    for (const name of ['actor', 'subject', 'outcome'] as const)
      compare(`${name} = :${name}`, name, query[name]);
    compare('time >= :since', 'since', query.since);
    compare('time < :until', 'until', query.until);
    compare('seq < :before', 'before', query.before);
    compare('seq > :after', 'after', query.after);
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
    const order = query.first === 'oldest' ? 'ASC' : 'DESC';
    const { rows } = await this.#database.execute<
      Omit<AuditRecord, 'details'> & { readonly details: string }
    >(`SELECT * FROM audit ${where} ORDER BY seq ${order} LIMIT :limit`, params);
    return rows.map(({ details, ...row }) => ({ ...row, details: parsed(details) }));
  }

  /** Checks every row, the order, and the end. Reads the trail as it was at one moment. */
  async verify(): Promise<AuditVerdict> {
    return await this.#verifying(async () => {
      // Read first: a row that comes meanwhile is in the table and not yet in this head.
      const head = newestTrailHead(await headNotesOf(this.#database), this.#key);
      return await this.#database.transaction((tx) => this.#check(tx, head), { readOnly: true });
    });
  }

  async #check(tx: Queryable, head: TrailHead | undefined): Promise<AuditVerdict> {
    let count = 0;
    let hash = NO_HASH;
    // Below every number that a row can have.
    let from: number | bigint = -(2n ** 63n);
    const broken = (firstBroken: number, reason: AuditFault): AuditVerdict => ({
      ok: false,
      rows: count,
      firstBroken,
      reason,
    });
    for (;;) {
      const { rows }: QueryResult<CheckedRow> = await tx.execute<CheckedRow>(
        `SELECT seq AS at, ${fieldsAsBytes(this.#database.dialect)}, hash FROM audit WHERE audit.seq >= ? ORDER BY audit.seq LIMIT ${CHECKED_AT_ONCE}`,
        [from],
      );
      for (const row of rows) {
        if (row.at !== count + 1)
          return row.at < 1
            ? broken(Number(row.at), 'the row was changed, or does not follow the row before it')
            : broken(count + 1, 'the row is missing');
        if (hashOf(hash, row, this.#key) !== row.hash)
          return broken(count + 1, 'the row was changed, or does not follow the row before it');
        count += 1;
        hash = row.hash;
        from = count + 1;
        if (count === head?.count && hash !== head.hash)
          return broken(count, 'the row was changed, or does not follow the row before it');
      }
      if (rows.length < CHECKED_AT_ONCE) break;
    }
    if (head === undefined && count > 0)
      return broken(count, 'the head of the trail is missing or was not written with the key of this home');
    if (head !== undefined && count < head.count)
      return broken(count + 1, 'the row and those after it were cut off');
    return { ok: true, rows: count };
  }

  /** Wipes the key. */
  close(): void {
    this.#key.fill(0);
  }
}

interface CheckedRow extends ChainedRow {
  readonly at: number | bigint;
  readonly hash: string;
}

/** The fields exactly as they are stored, whatever their type. */
function fieldsAsBytes(dialect: SqlDialect): string {
  const bytesOf = (name: string): string =>
    dialect === 'sqlite' ? `CAST(${name} AS BLOB)` : `convert_to(CAST(${name} AS TEXT), 'UTF8')`;
  return CHAINED_FIELDS.map((name) => `${bytesOf(name)} AS ${name}`).join(', ');
}

async function headNotesOf(database: AuditTrailOptions['database']): Promise<readonly string[]> {
  if (database.headNotes !== undefined) return await database.headNotes();
  const { rows } = await database.execute<{ text: string }>('SELECT text FROM head_note');
  return rows.map(({ text }) => text);
}

function encoded(values: Readonly<Record<keyof ChainedRow, string | number>>): ChainedRow {
  const bytes = (name: keyof ChainedRow): Uint8Array => Buffer.from(String(values[name]));
  return {
    seq: bytes('seq'),
    time: bytes('time'),
    event: bytes('event'),
    actor: bytes('actor'),
    action: bytes('action'),
    subject: bytes('subject'),
    outcome: bytes('outcome'),
    details: bytes('details'),
  };
}

async function lastRow(database: Queryable): Promise<TrailHead | undefined> {
  const { rows } = await database.execute<TrailHead>(
    'SELECT seq AS count, hash FROM audit ORDER BY seq DESC LIMIT 1',
  );
  return rows[0];
}

/** The details of a row. If they are not a JSON object, the raw text as `unreadable`. */
function parsed(details: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = parseJson(details);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Shown as it is.
  }
  return { unreadable: details };
}
