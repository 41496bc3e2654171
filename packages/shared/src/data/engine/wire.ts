/**
 * The messages between the main thread and an engine thread. On the hot path a batch of statements is a few flat arrays, because
 * the cost of structured cloning grows with the number of objects.
 */

import type { Principal } from '../ownership/principal.ts';
import type { ForeignAccess } from '../ownership/refusals.ts';
import type { BoundParameters } from '../statements/bound-parameters.ts';
import type { SqlValue } from '../types.ts';
import type { DatabaseHistory, HeadPlace } from './commit-record.ts';
import type { EngineFault } from './engine-failure.ts';

/** The cipher of a database; `sqlcipher` is its version 4, which other tools open. */
export type CipherName = 'aegis' | 'sqlcipher';

/** The session of reads that the writer is asked to answer, if they are short. */
export const READS_OF_WRITER = -1;

/** The flag of a statement that changes the schema. */
export const CHANGES_SCHEMA = 1;

/** The size in bytes at which a reply to several callers is sent; the remaining calls run in the next batch. */
export const LARGE_ANSWER_BYTES = 4 * 1024 * 1024;

/** The default limit for the rows of one statement, in bytes. */
export const MAX_RESULT_BYTES = 64 * 1024 * 1024;

export interface EngineData {
  readonly file: string;
  /** The raw key in shared memory, so that wiping it once wipes it for every thread. */
  readonly key: SharedArrayBuffer;
  readonly cipher: CipherName;
  readonly role: 'writer' | 'reader';
  /** The time to wait for a lock of another process, in milliseconds. */
  readonly busyTimeoutMs: number;
  /** The largest size of the file, in pages; a write beyond it fails as on a full disk. */
  readonly maxPages: number | undefined;
  /** The limit for the rows of one statement, in bytes. Default 64 MiB. */
  readonly maxResultBytes?: number;
  /** The time after which a running statement is overdue, in milliseconds. Default 30 s. */
  readonly statementLimitMs?: number;
  /** The memory of `DiskFaults`, in tests. */
  readonly faults?: SharedArrayBuffer | undefined;
}

export interface StatementBatch {
  readonly kind: 'batch';
  readonly id: number;
  /** The transaction it belongs to; 0 for statements of their own, or `READS_OF_WRITER`. */
  readonly session: number;
  /** Statements that will not be sent again. */
  readonly forget: readonly number[];
  /** Statements that are new to the thread: id, text, flags, principal, id, … */
  readonly define: readonly (number | string)[];
  /** Per call: the statement's id, and the number of its `values`; -1 for one object of named values. */
  readonly calls: readonly number[];
  readonly values: readonly (SqlValue | Readonly<Record<string, SqlValue>>)[];
}

export interface Failure extends EngineFault {
  /** The access that was refused to a statement of an owner. */
  readonly access?: ForeignAccess;
}

export interface BatchReply {
  readonly kind: 'reply';
  readonly id: number;
  /** Per call: the number of rows, or -1 for a failure. */
  readonly rows: readonly number[];
  /** The values of all rows of all calls. */
  readonly values: readonly SqlValue[];
  /**
   * Column names that the main thread does not have yet: the index of the call, the names, the next index, … They apply to the
   * rows of that call and of the later calls of its statement.
   */
  readonly layouts: readonly (number | readonly string[])[];
  /** Per call of a writer: the number of changes, and the key of the last inserted row or null. Empty from a reader. */
  readonly effects: readonly (number | bigint | null)[];
  /** One failure for every -1 in `rows`, in order. */
  readonly failures: readonly Failure[];
  /** Whether a failure rolled back the whole transaction. */
  readonly rolledBack: boolean;
}

/** Whether the content of the disk is unknown after this failure, so that no later write may be acknowledged. */
export function isStopping(code: string): boolean {
  return code === 'ENGINE_STOPPED' || /^SQLITE_IOERR_(?:FSYNC|DIR_FSYNC|COMMIT)/.test(code);
}

/**
 * Whether the disk refused a write and the transaction was rolled back. All acknowledged writes are durable, and a later write may
 * succeed. A quota, or the last kilobytes of a full disk, appears as a failed write or a failed growth of the log's index.
 */
export function isWriteRefused(code: string): boolean {
  return /^SQLITE_(?:FULL|IOERR_(?:WRITE|TRUNCATE|SHM))/.test(code);
}

/** Reports a failure of the work after a reply, such as a checkpoint. */
export interface Trouble {
  readonly kind: 'trouble';
  readonly failure: Failure;
}

/** A migration that is to be run. */
export interface PendingMigration {
  readonly id: string;
  readonly checksum: string;
  readonly statements: readonly string[];
}

export type Operation =
  /** Creates a database in `file` and closes it. */
  | { readonly name: 'create'; readonly file: string; readonly history: DatabaseHistory }
  /** Starts a new history of the database, in the database file, and closes it; replies with its stamp and its note. */
  | { readonly name: 'adopt'; readonly history: DatabaseHistory }
  /** Opens the database. The writer receives the head file, which it keeps up to date, and replies with the text of the schema. */
  | { readonly name: 'open'; readonly head?: HeadPlace }
  | { readonly name: 'begin'; readonly session: number }
  | { readonly name: 'control'; readonly session: number; readonly sql: string }
  | { readonly name: 'end'; readonly session: number }
  | {
      readonly name: 'stream';
      readonly session: number;
      readonly sql: string;
      readonly principal: string;
      readonly params: BoundParameters;
    }
  /** Runs pending migrations of an owner and records them, all in one transaction. */
  | {
      readonly name: 'migrate';
      readonly principal: Principal;
      readonly reserved: readonly string[];
      /** The position of the first among the migrations of its owner. */
      readonly position: number;
      readonly migrations: readonly PendingMigration[];
    }
  | { readonly name: 'next'; readonly session: number }
  /** Reads the first page of the file; replies with its stamp. */
  | { readonly name: 'verify' }
  | { readonly name: 'vacuum' }
  /** Shortens the file by at most so many free pages; replies with the `FileSpace` that remains. */
  | { readonly name: 'reclaim'; readonly pages: number }
  | { readonly name: 'status' }
  /** Commits a write that changes nothing, to test whether the disk accepts it. */
  | { readonly name: 'try-write' }
  | { readonly name: 'close'; readonly readersRemain: boolean };

export interface OperationRequest {
  readonly kind: 'operation';
  readonly id: number;
  readonly operation: Operation;
}

export interface OperationReply {
  readonly kind: 'done';
  readonly id: number;
  readonly value: unknown;
  readonly failure: Failure | undefined;
}

/** Rows of a stream. */
export interface StreamChunk {
  readonly columns: readonly string[];
  readonly values: readonly SqlValue[];
  readonly done: boolean;
}

/** The state of the database, as a connection reads it. */
export interface EngineStatus {
  readonly version: string;
  readonly tables: readonly { readonly name: string; readonly rows: number }[];
  readonly migrations: readonly { readonly owner: string; readonly id: string; readonly appliedAt: string }[];
  readonly details: Readonly<Record<string, string | number>>;
}

/** The first message to an engine thread. */
export interface ServeRequest {
  readonly kind: 'serve';
  readonly data: EngineData;
  /**
   * The effects of a group of plain writes, two numbers for each, `NaN` for null. The reply to such a group is only its id, which
   * is much cheaper than cloning the effects. At most one group is in flight, and no other batch writes here.
   */
  readonly effects: SharedArrayBuffer;
  /** Shared memory in which the thread reports the running statement: see `ThreadWatch`. */
  readonly progress: SharedArrayBuffer;
}

export type ToEngine = ServeRequest | StatementBatch | OperationRequest;

/** A reply, or the id of a group of writes whose effects are in shared memory. */
export type FromEngine = BatchReply | OperationReply | Trouble | number;
