import { getSystemErrorMap } from 'node:util';
import {
  AccessDeniedError,
  DiskFailedError,
  type FailedCall,
  LocksUnavailableError,
  MachineFilesExhaustedError,
  NoMemoryError,
  NoRoomError,
  NotThereError,
  ProcessFilesExhaustedError,
  QuotaReachedError,
  ReadOnlyFileSystemError,
  SystemError,
  SystemRefusedError,
} from './errors.ts';

/** The one table from the system's own names of failures to the errors that say what to do about them. */
const BY_ERRNO: Readonly<Record<string, new (call: FailedCall) => SystemError>> = {
  ENOSPC: NoRoomError,
  EDQUOT: QuotaReachedError,
  EFBIG: NoRoomError,
  EROFS: ReadOnlyFileSystemError,
  EACCES: AccessDeniedError,
  EPERM: AccessDeniedError,
  EMFILE: ProcessFilesExhaustedError,
  ENFILE: MachineFilesExhaustedError,
  EIO: DiskFailedError,
  ENXIO: DiskFailedError,
  ENODEV: DiskFailedError,
  ESTALE: DiskFailedError,
  ENOLCK: LocksUnavailableError,
  ENOMEM: NoMemoryError,
  ENOENT: NotThereError,
};

/**
 * SQLite's codes where they say which failure of the system is behind them. The codes it uses for several
 * (`SQLITE_BUSY`, `SQLITE_CANTOPEN`) are not here: whoever meets them asks the system itself, see `findFault`.
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

/** The system's own words for each of its failures. */
function wordsOf(errno: string): string {
  for (const [name, words] of getSystemErrorMap().values()) if (name === errno) return words;
  return errno;
}

/** The error for a failed call, by the system's name of the failure. */
export function systemErrorFor(call: FailedCall): SystemError {
  const Known = BY_ERRNO[call.errno];
  return Known === undefined ? new SystemRefusedError(call, wordsOf(call.errno)) : new Known(call);
}

/**
 * The failure of the operating system that is at the root of `error`, in words; `undefined` where there is none. Looks
 * through causes and aggregates, at errors of Node and of SQLite.
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
  return systemErrorFor({ errno, syscall: textOf(error, 'syscall'), target, cause: error });
}

/** What the system calls the failure that `error` reports, where it reports one at all. */
export function errnoOf(error: Error): string | undefined {
  // Node gives a number here; an engine’s failure gives the name that its thread has found.
  const found = textOf(error, 'errno');
  if (found !== undefined) return found;
  const code = textOf(error, 'code') ?? '';
  if (/^E[A-Z0-9]+$/.test(code) && ('syscall' in error || 'errno' in error)) return code;
  const errno = BY_SQLITE_CODE.find(([prefix]) => code.startsWith(prefix))?.[1];
  return errno === '' ? undefined : errno;
}

function textOf(error: Error, name: string): string | undefined {
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
