import { randomBytes } from 'node:crypto';
import type { DatabaseHistory, DatabaseStamp } from '../engine/commit-record.ts';
import type { ReadHead } from './database-head.ts';
import { DatabaseRolledBackError } from './errors.ts';

/** A random id of a database or of a history. */
export function newName(): string {
  return randomBytes(16).toString('base64url');
}

/**
 * Compares the stamp of the database with its head. The database may have more commits than its head, which is written after the
 * commit and without waiting for the disk.
 *
 * @throws {DatabaseRolledBackError} when durable commits are missing, or the head belongs to another database
 */
export function refuseOlder(
  file: string,
  stamp: DatabaseStamp | undefined,
  { head, commits }: Extract<ReadHead, { isOurs: true }>,
): asserts stamp is DatabaseStamp {
  const { id, epoch } = head;
  if (stamp === undefined || !isSameHistory(stamp, head) || stamp.commits < commits)
    throw new DatabaseRolledBackError(file, stamp, { id, epoch, commits });
}

/** A second record, independent of the head file, of the newest state of a database: see `HeadWitness`. */
export interface DatabaseWitness {
  /**
   * Called with the stamp of the database before anything is written to it.
   *
   * @param stamp of the database; `undefined` if there is none and one would be created
   * @param replaces the history that the present history replaced, from the authenticated head
   * @throws {DatabaseRolledBackError} when the database is older than the record, has another history, or is missing
   */
  refuse(stamp: DatabaseStamp | undefined, replaces: DatabaseHistory | undefined): Promise<void>;
}

export function isSameHistory(one: DatabaseHistory, other: DatabaseHistory): boolean {
  return one.id === other.id && one.epoch === other.epoch;
}
