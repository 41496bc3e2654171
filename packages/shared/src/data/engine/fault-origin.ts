import path from 'node:path';
import { hasLittleRoom, LITTLE_ROOM_BYTES } from '../../core/system-errors/index.ts';
import type { Connection } from '../driver.ts';
import type { DiskFaults } from './disk-faults.ts';
import { toFailure } from './failure.ts';
import type { Failure } from './wire.ts';

/**
 * Distinguishes a full disk from a statement that SQLite refuses with the same code: a table that has used up its AUTOINCREMENT
 * numbers fails like a full disk. Only an error that repeats in a transaction of the engine itself, or a fault observed on the
 * disk, concerns all callers; any other concerns its caller only.
 */
export class FaultOrigin {
  readonly #connection: Connection;
  readonly #maxPages: number | undefined;
  readonly #faults: DiskFaults | undefined;
  /** A statement of the open transaction failed so, and the disk cannot be tried before the transaction ends. */
  #suspected = false;

  constructor(connection: Connection, maxPages: number | undefined, faults?: DiskFaults) {
    this.#connection = connection;
    this.#maxPages = maxPages;
    this.#faults = faults;
  }

  /** The failure as it is to be told: of the disk, or of the statement. */
  judge(failure: Failure): Failure {
    if (failure.code !== 'SQLITE_FULL' || this.#hasLittleRoom()) return failure;
    if (this.#connection.inTransaction) {
      this.#suspected = true;
      return ofStatement(failure);
    }
    return this.#tryDisk() ?? ofStatement(failure);
  }

  /** Tries the disk after a transaction in which a statement failed so. @returns its fault, if it has one */
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

/** Writes a page that is there already, so that it proves the log can take it and asks for no room in the file. */
export function writeNothing(connection: Connection, faults?: DiskFaults): void {
  faults?.beforeCommit();
  connection.pragma(`user_version = ${Number(connection.pragma('user_version', { simple: true }))}`);
}

function ofStatement({ message }: Failure): Failure {
  return {
    code: 'AICO_STATEMENT_FULL',
    message: `${message}, and yet the disk takes other writes: a table may have used up its AUTOINCREMENT numbers`,
  };
}
