import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import path from 'node:path';
import { errnoOf } from './translate.ts';

/** The database engine writes several pages at once, which fails where a smaller write succeeds. */
const SAMPLE_BYTES = 64 * 1024;

/** With less room than this the disk counts as full, even where it accepts a small write. */
export const LITTLE_ROOM_BYTES = 1024 * 1024;

/** Whether the disk of `folder` has too little room for a library that needs several pages at once. */
export function hasLittleRoom(folder: string): boolean {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize < LITTLE_ROOM_BYTES;
}

/**
 * Finds the fault of `folder` by writing a small file there and removing it. SQLite reports a used-up quota, a full file table
 * and a nearly full disk all as failures of the disk; the system's own error tells them apart.
 *
 * @returns the system's name of the failure, `EDQUOT` for one, or `undefined` where the small file could be written and
 *   there is room for more
 */
export function findFault(folder: string): string | undefined {
  const file = path.join(folder, `.aico-probe-${randomBytes(6).toString('hex')}`);
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'wx', 0o600);
    const sample = Buffer.alloc(SAMPLE_BYTES);
    for (let at = 0; at < sample.byteLength; ) at += writeSync(descriptor, sample, at);
    fsyncSync(descriptor);
    return hasLittleRoom(folder) ? 'ENOSPC' : undefined;
  } catch (error) {
    return (error instanceof Error ? errnoOf(error) : undefined) ?? 'EIO';
  } finally {
    try {
      if (descriptor !== undefined) closeSync(descriptor);
      rmSync(file, { force: true });
    } catch {
      // The sample could not be removed from a failing disk; the fault that was found counts.
    }
  }
}
