import { chmodSync } from 'node:fs';
import { AicoError } from '@aico/protocol';
import { systemErrorIn } from '@aico/shared/core/system-errors';
import SQLite from 'better-sqlite3-multiple-ciphers';
import { type RunningInstance, readInstance } from './instance-file.ts';

/** Another process runs on the same home. */
export class InstanceRunningError extends AicoError {
  readonly lockFile: string;
  readonly pid: number | undefined;

  constructor(lockFile: string, running: RunningInstance | undefined, cause: unknown) {
    const who = running ? ` (pid ${running.pid}, since ${running.startedAt})` : '';
    super('AICO_INSTANCE_RUNNING', `another backend already runs on this home${who}`, {
      hint: 'Use it (`aico status`), stop it (`aico stop`), or give this one a home of its own: AICO_HOME=…',
      cause,
    });
    this.lockFile = lockFile;
    this.pid = running?.pid;
  }
}

/** The lock file could not be created or locked. */
export class InstanceLockError extends AicoError {
  constructor(lockFile: string, cause: unknown) {
    const system = systemErrorIn(cause);
    const reason = system?.condition ?? (cause instanceof Error ? cause.message : String(cause));
    super('AICO_INSTANCE_LOCK', `cannot lock ${lockFile}: ${reason}`, {
      hint: system?.hint ?? 'The home must lie on a local disk that this user may write to.',
      cause: system ?? cause,
    });
  }
}

/**
 * Holds a home for one process. The lock is the operating system's own, taken through an empty SQLite file, so it
 * ends with the process however that ends: nothing stale is ever left to clean up.
 *
 * @throws {InstanceRunningError} when another process holds it
 * @throws {InstanceLockError} when the file cannot be locked at all
 * @example
 * ```ts
 * using lock = new InstanceLock(paths.lockFile, paths.instanceFile);
 * ```
 */
export class InstanceLock implements Disposable {
  readonly #database: SQLite.Database;

  constructor(lockFile: string, instanceFile: string) {
    let database: SQLite.Database | undefined;
    try {
      database = new SQLite(lockFile, { timeout: 0 });
      chmodSync(lockFile, 0o600);
      database.exec('BEGIN EXCLUSIVE');
      this.#database = database;
    } catch (error) {
      database?.close();
      if (error instanceof SQLite.SqliteError && error.code.startsWith('SQLITE_BUSY')) {
        throw new InstanceRunningError(lockFile, readInstance(instanceFile), error);
      }
      throw new InstanceLockError(lockFile, error);
    }
  }

  release(): void {
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
