import { chmodSync, readFileSync } from 'node:fs';
import { AicoError } from '@aico/protocol';
import SQLite from 'better-sqlite3-multiple-ciphers';

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
    const reason = cause instanceof Error ? cause.message : String(cause);
    super('AICO_INSTANCE_LOCK', `cannot lock ${lockFile}: ${reason}`, {
      hint: 'The home must lie on a local disk that this user may write to.',
      cause,
    });
  }
}

/** What a running backend says of itself in its instance file, for `aico status` and `aico stop`. */
export interface RunningInstance {
  readonly pid: number;
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  /** The local socket that serves the API. */
  readonly socket: string;
  readonly http: string;
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

/** What the instance file says, or `undefined` where there is none or it cannot be read. */
export function readInstance(instanceFile: string): RunningInstance | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(instanceFile, 'utf8'));
    return isRunningInstance(value) ? value : undefined;
  } catch {
    // Absent, or half-written by a process that died: either way nothing is known.
    return undefined;
  }
}

function isRunningInstance(value: unknown): value is RunningInstance {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    typeof value.pid === 'number' &&
    'startedAt' in value &&
    typeof value.startedAt === 'string' &&
    'socket' in value &&
    typeof value.socket === 'string' &&
    'http' in value &&
    typeof value.http === 'string'
  );
}
