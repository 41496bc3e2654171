import { constants } from 'node:os';
import { SystemError } from './errors.ts';

/**
 * The codes of SQLite that have exactly one failure of the system behind them. The codes it uses for several
 * (`SQLITE_BUSY`, `SQLITE_CANTOPEN`) are not here: `findFault()` asks the system itself.
 */
const BY_SQLITE_CODE: readonly (readonly [prefix: string, errno: string])[] = [
  ['SQLITE_FULL', 'ENOSPC'],
  ['SQLITE_IOERR_NOMEM', 'ENOMEM'],
  ['SQLITE_IOERR_DATA', ''],
  ['SQLITE_IOERR', 'EIO'],
  ['SQLITE_NOMEM', 'ENOMEM'],
  ['SQLITE_READONLY', 'EROFS'],
  ['SQLITE_PERM', 'EPERM'],
];

/**
 * The failure of the operating system that caused `error`; `undefined` if there is none. Searches
 * causes and aggregates, and knows the errors of Node and of SQLite.
 *
 * @example
 * ```ts
 * await writeFile(file, text).catch((error) => {
 *   throw systemErrorIn(error) ?? error;
 * });
 * ```
 */
export function systemErrorIn(error: unknown): SystemError | undefined {
  return search(error, new Set());
}

function search(error: unknown, seen: Set<unknown>): SystemError | undefined {
  if (!(error instanceof Error) || seen.has(error)) return undefined;
  seen.add(error);
  if (error instanceof SystemError) return error;
  for (const cause of error instanceof AggregateError ? [error.cause, ...error.errors] : [error.cause]) {
    const found = search(cause, seen);
    if (found !== undefined) return found;
  }
  const errno = errnoOf(error);
  if (errno === undefined) return undefined;
  const target = textOf(error, 'path') ?? textOf(error, 'address');
  return new SystemError({ errno, syscall: textOf(error, 'syscall'), target, cause: error });
}

/** The system's name of the failure that `error` reports; `undefined` where it reports none. */
export function errnoOf(error: Error): string | undefined {
  // Node sets a number here; an error of the database engine has the name that its thread has found.
  const found = textOf(error, 'errno');
  if (found !== undefined) return found;
  const code = textOf(error, 'code') ?? '';
  if (/^E[A-Z0-9]+$/.test(code) && ('syscall' in error || 'errno' in error)) return code;
  // libuv has no name for some failures, EDQUOT among them: Node reports those as "Unknown system error -122".
  const unnamed = code.startsWith('Unknown system error') ? nameOfErrno(error) : undefined;
  if (unnamed !== undefined) return unnamed;
  const errno = BY_SQLITE_CODE.find(([prefix]) => code.startsWith(prefix))?.[1];
  return errno === '' ? undefined : errno;
}

function nameOfErrno(error: Error): string | undefined {
  const errno: unknown = Reflect.get(error, 'errno');
  return Object.entries(constants.errno).find(([, number]) => number === -Number(errno))?.[0];
}

function textOf(error: Error, name: string): string | undefined {
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
