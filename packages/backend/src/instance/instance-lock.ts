import { chmodSync, statSync } from 'node:fs';
import path from 'node:path';
import { giveNameToOwnerOf } from '@aico/shared/core/paths';
import { SystemError } from '@aico/shared/core/system-errors';
import SQLite from 'better-sqlite3-multiple-ciphers';
import { InstanceLockError, InstanceRunningError } from './errors.ts';
import { findHolder, type HomeFiles, lockHolders } from './home-holder.ts';
import { readInstance } from './instance-file.ts';

/**
 * Locks a home for one process. The lock is the operating system's own, taken through an empty SQLite file, so it ends with the
 * process and never becomes stale. If the lock file was removed while its holder was running, the locks of the holder's open
 * database still keep another process out.
 *
 * @throws {InstanceRunningError} when another process has the home
 * @throws {InstanceLockError} when the file cannot be locked at all
 * @example
 * ```ts
 * using lock = new InstanceLock(paths);
 * ```
 */
export class InstanceLock implements Disposable {
  readonly #database: SQLite.Database;
  readonly #files: HomeFiles;
  readonly #inode: bigint;

  constructor(files: HomeFiles) {
    this.#files = files;
    this.#database = take(files);
    const holder = findHolder(files);
    if (holder !== undefined) {
      this.#database.close();
      throw new InstanceRunningError(files.lockFile, readInstance(files.instanceFile), holder.pid);
    }
    this.#inode = inodeOf(files.lockFile);
  }

  /** Whether the lock file is still the one that was locked: if it was replaced, another process could hold the home. */
  get isInPlace(): boolean {
    return inodeOf(this.#files.lockFile) === this.#inode;
  }

  release(): void {
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

function take({ lockFile, instanceFile }: HomeFiles): SQLite.Database {
  let busy: unknown;
  // Twice: the holder may have released it before the kernel was asked for its id.
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    let database: SQLite.Database | undefined;
    try {
      database = new SQLite(lockFile, { timeout: 0 });
      chmodSync(lockFile, 0o600);
      // A command run by root must not leave a lock that the backend's own user cannot open.
      giveNameToOwnerOf(path.dirname(lockFile), lockFile);
      database.exec('BEGIN EXCLUSIVE');
      return database;
    } catch (error) {
      database?.close();
      if (!(error instanceof SQLite.SqliteError && error.code.startsWith('SQLITE_BUSY')))
        throw new InstanceLockError(lockFile, error);
      busy = error;
      const [holder] = lockHolders(lockFile) ?? [];
      if (holder !== undefined || lockHolders(lockFile) === undefined)
        throw new InstanceRunningError(lockFile, readInstance(instanceFile), holder, error);
    }
  }
  // SQLite also reports "busy" for a file system without locks; then no process holds the lock.
  throw new InstanceLockError(
    lockFile,
    new SystemError({ errno: 'ENOLCK', syscall: 'fcntl', target: lockFile, cause: busy }),
  );
}

/** 0 if there is no such file; no file has this inode. */
function inodeOf(file: string): bigint {
  return statSync(file, { bigint: true, throwIfNoEntry: false })?.ino ?? 0n;
}
