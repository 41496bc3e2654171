/**
 * The messages between the main thread and an engine thread. The hot path is a batch of statements as a few flat
 * arrays: structured cloning costs by the object, so there is none per statement, row or value.
 */
import type { EngineFault } from '../engine-failure.ts';
import type { Principal } from '../ownership/principal.ts';
import type { ForeignAccess } from '../ownership/refusals.ts';
import type { SqlValue } from '../types.ts';
import type { DatabaseHistory, HeadPlace } from './commit-record.ts';

/** The cipher of a database; `sqlcipher` is its version 4, which other tools open. */
export type CipherName = 'aegis' | 'sqlcipher';

/** The statement changes the schema. */
export const CHANGES_SCHEMA = 1;

/** Bytes of rows from which an answer to several callers is sent; what has not run by then goes with the next batch. */
export const LARGE_ANSWER_BYTES = 4 * 1024 * 1024;

/** Bytes that the rows of one statement take at most, unless it is set. */
export const MAX_RESULT_BYTES = 64 * 1024 * 1024;

export interface EngineData {
  readonly file: string;
  /** The raw key, shared and not copied, so that wiping it once wipes it for every thread. */
  readonly key: SharedArrayBuffer;
  readonly cipher: CipherName;
  readonly role: 'writer' | 'reader';
  /** Milliseconds to wait for a lock that another process holds. */
  readonly busyTimeoutMs: number;
  /** Pages the file may grow to; beyond it a write fails as on a full disk. */
  readonly maxPages: number | undefined;
  /** Bytes that the rows of one statement may take. Default 64 MiB. */
  readonly maxResultBytes?: number;
  /** Milliseconds that one statement may run before it is overdue. Default 30 s. */
  readonly statementLimitMs?: number;
  /** The memory of `DiskFaults`, in tests. */
  readonly faults?: SharedArrayBuffer | undefined;
}

export interface StatementBatch {
  readonly kind: 'batch';
  readonly id: number;
  /** The transaction it belongs to; 0 for statements of their own. */
  readonly session: number;
  /** Statements never sent again. */
  readonly forget: readonly number[];
  /** Statements new to the thread: id, text, flags, principal, id, … */
  readonly define: readonly (number | string)[];
  /** Per call: the statement's id, and how many of `values` are its; -1 for one object of named ones. */
  readonly calls: readonly number[];
  readonly values: readonly (SqlValue | Readonly<Record<string, SqlValue>>)[];
}

export interface Failure extends EngineFault {
  /** The access that a statement of an owner was refused. */
  readonly access?: ForeignAccess;
}

export interface BatchReply {
  readonly kind: 'reply';
  readonly id: number;
  /** Per call: how many rows, or -1 for a failure. */
  readonly rows: readonly number[];
  /** All rows of all calls, value after value. */
  readonly values: readonly SqlValue[];
  /**
   * Names of columns that the receiver does not have yet: the index of the call, names, index, … They hold for the rows of
   * that call and of the later ones of its statement.
   */
  readonly layouts: readonly (number | readonly string[])[];
  /** Per call of a writer: changes, key of the last inserted row or null. Empty from a reader. */
  readonly effects: readonly (number | bigint | null)[];
  /** One for every -1, in order. */
  readonly failures: readonly Failure[];
  /** The transaction is gone: a failure rolled all of it back. */
  readonly rolledBack: boolean;
}

/** After one of these the content of the disk is unknown, so nothing more may be acknowledged. */
export function isStopping(code: string): boolean {
  return code === 'AICO_STOPPED' || /^SQLITE_IOERR_(?:FSYNC|DIR_FSYNC|COMMIT)/.test(code);
}

/**
 * The disk did not take a write, and the transaction was rolled back: all that was acknowledged is durable, and a later
 * write may succeed. A quota and the last kilobytes of a full disk come as failed writes and failed growth of the log's index.
 */
export function isWriteRefused(code: string): boolean {
  return /^SQLITE_(?:FULL|IOERR_(?:WRITE|TRUNCATE|SHM))/.test(code);
}

/** Something failed behind an answer. */
export interface Trouble {
  readonly kind: 'trouble';
  readonly failure: Failure;
}

export type Operation =
  /** Makes a database in `file`, whole and in its final form, and lets go of it. */
  | { readonly name: 'create'; readonly file: string; readonly history: DatabaseHistory }
  /** Gives the database a new history, in the file itself, and closes it; answers with its stamp. */
  | { readonly name: 'adopt'; readonly history: DatabaseHistory }
  /** The writer is given the head, which it keeps up to date, and answers with the text of the schema. */
  | { readonly name: 'open'; readonly head?: HeadPlace }
  | { readonly name: 'begin'; readonly session: number }
  | { readonly name: 'control'; readonly session: number; readonly sql: string }
  | { readonly name: 'end'; readonly session: number }
  | {
      readonly name: 'stream';
      readonly session: number;
      readonly sql: string;
      readonly principal: string;
      readonly params: readonly SqlValue[] | Readonly<Record<string, SqlValue>>;
    }
  /** Runs one statement of a migration in the writer's open transaction. */
  | {
      readonly name: 'migrate';
      readonly sql: string;
      readonly principal: Principal;
      readonly reserved: readonly string[];
    }
  /** Checks what the migration's owner has in the schema now. */
  | { readonly name: 'check-schema'; readonly principal: Principal }
  | { readonly name: 'next'; readonly session: number }
  /** Reads the first page of the file; answers with its stamp. */
  | { readonly name: 'verify' }
  | { readonly name: 'vacuum' }
  | { readonly name: 'status' }
  /** Commits something that changes nothing, to see whether that can be done. */
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
  readonly cipher: string;
  readonly sqliteVersion: string;
  readonly journalMode: string;
  readonly synchronous: string;
  readonly tables: readonly { readonly name: string; readonly rows: number }[];
  readonly migrations: readonly { readonly owner: string; readonly id: string; readonly appliedAt: string }[];
}

export type ToEngine = StatementBatch | OperationRequest;
/** The `workerData` of an engine thread. */
export interface ThreadData extends EngineData {
  /**
   * For the effects of a group of plain writes, two numbers each, `NaN` for null: its answer is its id alone, which costs
   * a fraction of cloning them. One group at most is under way, and no other batch writes here.
   */
  readonly effects: SharedArrayBuffer;
  /** Shared memory in which the thread reports the running statement: see `ThreadWatch`. */
  readonly progress: SharedArrayBuffer;
}

/** An answer, or the id alone of a group of writes whose effects are in shared memory. */
export type FromEngine = BatchReply | OperationReply | Trouble | number;
