import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { Connection } from '../driver.ts';
import {
  type DatabaseStamp,
  encodeRecord,
  type HeadPlace,
  noteBlock,
  notesIn,
  RECORD_BLOCK,
  RECORDS_AT,
  RECORDS_END,
} from './commit-record.ts';

/** The number of commits between two syncs of the head file. A head that is too old after a power loss is harmless. */
const SYNC_EVERY = 1_024;

export const STAMP_TABLE =
  'CREATE TABLE IF NOT EXISTS _aico_head (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL, ' +
  'epoch TEXT NOT NULL, commits INTEGER NOT NULL) STRICT';

/**
 * The table of the note, a text that the head file holds beside the count. A statement changes the note, and the head file follows
 * once the commit is durable. No migration creates the table, so the backend may write it and a plugin may not.
 */
export const NOTE_TABLE =
  'CREATE TABLE IF NOT EXISTS head_note (one INTEGER PRIMARY KEY CHECK (one = 1), text TEXT NOT NULL) STRICT';

/** The note in the database, which has the table for it. */
export function readNote(connection: Connection): string | undefined {
  return connection.prepare<unknown[], string>('SELECT text FROM head_note').pluck().get();
}

/** The stamp in the database; `undefined` if it has none. */
export function readStamp(connection: Connection): DatabaseStamp | undefined {
  const known = connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = '_aico_head'").get();
  if (known === undefined) return undefined;
  return connection.prepare<unknown[], DatabaseStamp>('SELECT id, epoch, commits FROM _aico_head').get();
}

/**
 * Keeps the head file up to date, and counts the commits in two places: in the database, inside each transaction, and in the head file, after the commit is durable
 * and before it is acknowledged. So the head never counts a commit that was not durable, and a database with fewer commits than
 * its head has lost some.
 */
export class CommitCounter {
  readonly #place: HeadPlace;
  readonly #descriptor: number;
  readonly #add: ReturnType<typeof addStatement>;
  #commits: number;
  /** The count after the open transaction commits. */
  #begun: number;
  #written: number;
  #begunNote: string | null;
  #note: string | null;
  /** Which of the two blocks the next note goes to. */
  #noteBlock: number;

  constructor(connection: Connection, place: HeadPlace) {
    this.#place = place;
    this.#add = addStatement(connection);
    this.#commits = readStamp(connection)?.commits ?? 0;
    this.#begun = this.#commits;
    this.#written = this.#commits;
    this.#descriptor = openSync(place.file, 'r+');
    // Both records are written, because after a power loss the head may be several commits behind the database.
    this.#writeBoth();
    this.#note = readNote(connection) ?? null;
    this.#begunNote = this.#note;
    // The block that holds the present note is overwritten last.
    this.#noteBlock = notesIn(readFileSync(place.file))[0] === this.#note ? 1 : 0;
  }

  /** Must run inside the transaction, as its last statement. */
  beforeCommit(): void {
    // The count is not final yet: the commit can fail, for example on a full disk, and then must not be counted in the head.
    const { commits, note } = this.#add.get() ?? { commits: this.#commits + 1, note: this.#note };
    this.#begun = commits;
    this.#begunNote = note;
  }

  /** Must run once the transaction is durable. */
  afterCommit(): void {
    this.#commits = this.#begun;
    try {
      this.#write(this.#commits);
      if (this.#begunNote !== this.#note) this.#writeNote(this.#begunNote);
      if (this.#commits - this.#written < SYNC_EVERY) return;
      fsyncSync(this.#descriptor);
      this.#written = this.#commits;
    } catch {
      // The rows are durable, so the write succeeded. The head is behind until a later commit writes it.
    }
  }

  /** Writes and syncs both records, so that after an orderly close no older record remains. */
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

  #writeNote(note: string | null): void {
    const bytes = noteBlock(note ?? undefined);
    writeSync(this.#descriptor, bytes, 0, bytes.byteLength, RECORDS_END + this.#noteBlock * RECORD_BLOCK);
    this.#noteBlock = 1 - this.#noteBlock;
    this.#note = note;
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
  return connection.prepare<unknown[], { readonly commits: number; readonly note: string | null }>(
    'UPDATE _aico_head SET commits = commits + 1 RETURNING commits, (SELECT text FROM head_note) AS note',
  );
}
