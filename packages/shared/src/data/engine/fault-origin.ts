import path from 'node:path';
import { hasLittleRoom, LITTLE_ROOM_BYTES } from '../../core/system-errors/index.ts';
import type { Connection } from '../driver.ts';
import type { DiskFaults } from './disk-faults.ts';
import { toFailure } from './failure.ts';
import type { Failure } from './wire.ts';

/**
 * Distinguishes a full disk from a statement that SQLite refuses with the same code: an insert into a table that has used up its
 * AUTOINCREMENT numbers fails like one on a full disk. The fault is attributed to the disk only if little space is free, or if a
 * transaction of the engine itself fails in the same way.
 */
export class FaultOrigin {
  readonly #connection: Connection;
  readonly #maxPages: number | undefined;
  readonly #faults: DiskFaults | undefined;
  /** A statement of the open transaction failed with this code; the disk can only be tested after the transaction ends. */
  #suspected = false;

  constructor(connection: Connection, maxPages: number | undefined, faults?: DiskFaults) {
    this.#connection = connection;
    this.#maxPages = maxPages;
    this.#faults = faults;
  }

  /** The failure to report: the disk's or the statement's. */
  judge(failure: Failure): Failure {
    if (failure.code !== 'SQLITE_FULL' || this.#hasLittleRoom()) return failure;
    if (this.#connection.inTransaction) {
      this.#suspected = true;
      return ofStatement(failure);
    }
    return this.#tryDisk() ?? ofStatement(failure);
  }

  /** Tests the disk after a transaction in which a statement failed with this code. @returns the disk's fault, if any */
  afterTransaction(): Failure | undefined {
    if (!this.#suspected || this.#connection.inTransaction) return undefined;
    this.#suspected = false;
    return this.#tryDisk();
  }

  #tryDisk(): Failure | undefined {
    try {
      writeNothing(this.#connection, this.#faults);
      return undefined;
    } catch (error) {
      return toFailure(error, this.#connection.name);
    }
  }

  #hasLittleRoom(): boolean {
    if (this.#faults?.fault === 'full' || hasLittleRoom(path.dirname(this.#connection.name))) return true;
    if (this.#maxPages === undefined) return false;
    const pages = (name: string): number => Number(this.#connection.pragma(name, { simple: true }));
    const left = this.#maxPages - pages('page_count') + pages('freelist_count');
    return left * pages('page_size') < LITTLE_ROOM_BYTES;
  }
}

/** Rewrites an existing page: this tests whether the log accepts a write, and needs no space in the database file. */
export function writeNothing(connection: Connection, faults?: DiskFaults): void {
  faults?.beforeCommit();
  connection.pragma(`user_version = ${Number(connection.pragma('user_version', { simple: true }))}`);
}

function ofStatement({ message }: Failure): Failure {
  return {
    code: 'ENGINE_STATEMENT_FULL',
    message: `${message}, but the disk accepts other writes: a table may have used up its AUTOINCREMENT numbers`,
  };
}
