import { chmodSync, statSync } from 'node:fs';
import path from 'node:path';
import { giveNameToOwnerOf } from '@aico/shared/core/paths';
import { LockFile } from '@aico/shared/core/paths/lock-file';
import { SystemError } from '@aico/shared/core/system-errors';
import { InstanceLockError, InstanceRunningError } from './errors.ts';
import { findHolder, type HomeFiles, lockHolders } from './home-holder.ts';
import { readInstance } from './instance-file.ts';

/**
 * Locks a home for one process. The lock is a `LockFile`, which ends with the process. If the lock file was removed while its holder was running, the locks of the holder's open
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
  readonly #lock: LockFile;
  readonly #files: HomeFiles;
  readonly #inode: bigint;

  constructor(files: HomeFiles) {
    this.#files = files;
    this.#lock = take(files);
    const holder = findHolder(files);
    if (holder !== undefined) {
      this.release();
      throw new InstanceRunningError(files.lockFile, readInstance(files.instanceFile), holder.pid);
    }
    this.#inode = inodeOf(files.lockFile);
  }

  /** Whether the lock file is still the one that was locked: if it was replaced, another process could hold the home. */
  get isInPlace(): boolean {
    return inodeOf(this.#files.lockFile) === this.#inode;
  }

  release(): void {
    this.#lock[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

function take({ lockFile, instanceFile }: HomeFiles): LockFile {
  let busy: unknown;
  // Twice: the holder may have released it before the kernel was asked for its id.
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    let lock: LockFile | undefined;
    try {
      lock = new LockFile(lockFile);
      chmodSync(lockFile, 0o600);
      // A command run by root must not leave a lock that the backend's own user cannot open.
      giveNameToOwnerOf(path.dirname(lockFile), lockFile);
      busy = lock.take();
      if (busy === undefined) return lock;
    } catch (error) {
      lock?.[Symbol.dispose]();
      throw new InstanceLockError(lockFile, error);
    }
    lock[Symbol.dispose]();
    const [holder] = lockHolders(lockFile) ?? [];
    if (holder !== undefined || lockHolders(lockFile) === undefined)
      throw new InstanceRunningError(lockFile, readInstance(instanceFile), holder, busy);
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
