import { existsSync } from 'node:fs';
import { EngineFailure, isSqlite } from '../engine/engine-failure.ts';
import { type Failure, isWriteRefused } from '../engine/wire.ts';
import { DatabaseCorruptError, DatabaseGoneError, DatabaseOpenError } from '../file/errors.ts';
import { TableNotOwnedError } from '../ownership/errors.ts';
import type { Vocabulary } from '../sql/vocabulary.ts';
import {
  ConstraintError,
  ParametersInvalidError,
  ResultTooLargeError,
  StatementFailedError,
  StatementRefusedError,
} from '../statements/errors.ts';
import { TransactionEndedError } from '../transactions/errors.ts';
import { DiskFullError, StorageFailedError, WriteRefusedError } from '../writes/errors.ts';
import { DatabaseBusyError, EngineSetupError } from './errors.ts';

/** Whether the failure means that the disk has no space left. */
export function isOutOfSpace({ code, errno }: Failure): boolean {
  return code.startsWith('SQLITE_FULL') || errno === 'ENOSPC' || errno === 'EDQUOT';
}

/** The error of a write that the disk refused. */
export function writeRefusal(failure: Failure): DiskFullError | WriteRefusedError {
  const cause = new EngineFailure(failure);
  return isOutOfSpace(failure) ? new DiskFullError(cause) : new WriteRefusedError(cause.message, cause);
}

/** The context of a failure, for error messages. */
interface FailedStatement {
  readonly file: string;
  readonly shape: string;
  readonly vocabulary: Vocabulary;
}

/** Converts a failure of the engine to an error of the database. Codes of SQLite are known only here and in the engine. */
export function errorOf(failure: Failure, { file, shape, vocabulary }: FailedStatement): Error {
  const cause = new EngineFailure(failure);
  const { code, access } = failure;
  const message = isSqlite(failure) ? vocabulary.reasonFor(failure.message) : failure.message;
  if (access !== undefined)
    return new TableNotOwnedError(access.owner, access.table, access.tableOwner ?? undefined, access.what);
  switch (code) {
    case 'ENGINE_PARAMETERS':
      return new ParametersInvalidError(`the values do not fit the placeholders of "${shape}"`, cause);
    case 'ENGINE_STATEMENT_COUNT':
      return new StatementRefusedError(shape, 'it is not exactly one statement');
    case 'ENGINE_NOT_READ_ONLY':
      return new StatementRefusedError(shape, 'it does not only read');
    case 'ENGINE_RESULT_TOO_LARGE':
      return new ResultTooLargeError(shape, message, cause);
    case 'ENGINE_STATEMENT_FULL':
    // The content of a virtual table is inconsistent, but the file is not damaged.
    case 'SQLITE_CORRUPT_VTAB':
    case 'SQLITE_NOMEM':
      return new StatementFailedError(shape, message, cause);
    case 'ENGINE_NOT_ALLOWED':
      return new StatementRefusedError(shape, message);
    case 'ENGINE_NO_SESSION':
      return new TransactionEndedError('has ended: an earlier failure rolled it back', cause);
    case 'ENGINE_STOPPED':
      return new StorageFailedError(`no write is acknowledged since "${message}"`, cause);
    case 'ENGINE_SETUP':
      return new EngineSetupError(message, cause);
    case 'SQLITE_IOERR_DATA':
      return new DatabaseCorruptError(file, 'a page does not authenticate', cause);
    case 'SQLITE_NOTADB':
      return new DatabaseCorruptError(file, 'its first page does not authenticate', cause);
  }
  if (code.startsWith('SQLITE_CONSTRAINT'))
    return new ConstraintError(code.slice('SQLITE_CONSTRAINT_'.length).toLowerCase(), message, cause);
  if (code.startsWith('SQLITE_CORRUPT')) return new DatabaseCorruptError(file, message, cause);
  if (/^SQLITE_(?:BUSY|LOCKED)/.test(code)) return new DatabaseBusyError(cause);
  // An existing file cannot be opened for another reason, such as permissions or a lack of file descriptors.
  if (code.startsWith('SQLITE_CANTOPEN'))
    return existsSync(file) ? new DatabaseOpenError(file, message, cause) : new DatabaseGoneError(file);
  if (isWriteRefused(code)) return writeRefusal(failure);
  if (/^SQLITE_(?:IOERR|READONLY|PROTOCOL)/.test(code)) return new StorageFailedError(message, cause);
  // A system error of a file that the engine itself opens beside the database.
  if (/^E[A-Z0-9]+$/.test(code)) return new StorageFailedError(message, cause);
  return new StatementFailedError(shape, message, cause);
}
