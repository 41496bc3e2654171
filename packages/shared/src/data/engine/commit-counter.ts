import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import type { Connection } from '../driver.ts';
import {
  type DatabaseStamp,
  encodeRecord,
  type HeadPlace,
  RECORD_BLOCK,
  RECORDS_AT,
} from './commit-record.ts';

/** The interval of syncing the head, in commits. A head that is older after a power loss does no harm. */
const SYNC_EVERY = 1_024;

export const STAMP_TABLE =
  'CREATE TABLE IF NOT EXISTS _aico_head (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL, ' +
  'epoch TEXT NOT NULL, commits INTEGER NOT NULL) STRICT';

/** The stamp in the database, or `undefined` where it has none. */
export function readStamp(connection: Connection): DatabaseStamp | undefined {
  const known = connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = '_aico_head'").get();
  if (known === undefined) return undefined;
  return connection.prepare<unknown[], DatabaseStamp>('SELECT id, epoch, commits FROM _aico_head').get();
}

/**
 * Counts the commits twice: in the database, inside each transaction, and in the head beside it, after the commit is
 * durable and before it is acknowledged. So the head is never ahead of what was durable, and a database behind it has lost
 * commits.
 */
export class CommitCounter {
  readonly #place: HeadPlace;
  readonly #descriptor: number;
  readonly #add: ReturnType<typeof addStatement>;
  #commits: number;
  /** The count once the transaction under way is durable. */
  #begun: number;
  #written: number;

  constructor(connection: Connection, place: HeadPlace) {
    this.#place = place;
    this.#add = addStatement(connection);
    this.#commits = readStamp(connection)?.commits ?? 0;
    this.#begun = this.#commits;
    this.#written = this.#commits;
    this.#descriptor = openSync(place.file, 'r+');
    // Both: the database may be ahead of its head by what a power loss took from the head.
    this.#writeBoth();
  }

  /** Inside the transaction, as its last statement. */
  beforeCommit(): void {
    // Not the count yet: a commit that fails, on a full disk say, was none, and the head must not know of it.
    this.#begun = this.#add.get() ?? this.#commits + 1;
  }

  /** The transaction is durable. */
  afterCommit(): void {
    this.#commits = this.#begun;
    try {
      this.#write(this.#commits);
      if (this.#commits - this.#written < SYNC_EVERY) return;
      fsyncSync(this.#descriptor);
      this.#written = this.#commits;
    } catch {
      // The rows are stored, so the write succeeds. The guard lags until a later commit writes the head.
    }
  }

  /** Durable, and in both records: what is closed in order has no older one to fall back on. */
  close(): void {
    try {
      this.#writeBoth();
      fsyncSync(this.#descriptor);
    } finally {
      closeSync(this.#descriptor);
      this.#place.macKey.fill(0);
    }
  }

  #writeBoth(): void {
    const { at, bytes } = encodeRecord(this.#place, this.#commits, this.#place.macKey);
    writeSync(this.#descriptor, bytes, 0, bytes.byteLength, at);
    writeSync(this.#descriptor, bytes, 0, bytes.byteLength, otherRecord(at));
  }

  #write(commits: number): void {
    const { at, bytes } = encodeRecord(this.#place, commits, this.#place.macKey);
    writeSync(this.#descriptor, bytes, 0, bytes.byteLength, at);
  }
}

function otherRecord(at: number): number {
  return at === RECORDS_AT ? RECORDS_AT + RECORD_BLOCK : RECORDS_AT;
}

function addStatement(connection: Connection) {
  return connection
    .prepare<unknown[], number>('UPDATE _aico_head SET commits = commits + 1 RETURNING commits')
    .pluck();
}
