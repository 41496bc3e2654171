import { existsSync } from 'node:fs';
import { type Failure, isWriteRefused } from '../engine/wire.ts';
import { EngineFailure, isSqlite } from '../engine-failure.ts';
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

/** Whether it was for want of room that the disk did not take a write. */
export function isForWantOfRoom({ code, errno }: Failure): boolean {
  return code.startsWith('SQLITE_FULL') || errno === 'ENOSPC' || errno === 'EDQUOT';
}

/** The error of a write that the disk did not take. */
export function writeRefusal(failure: Failure): DiskFullError | WriteRefusedError {
  const cause = new EngineFailure(failure);
  return isForWantOfRoom(failure) ? new DiskFullError(cause) : new WriteRefusedError(cause.message, cause);
}

/** The parts of a failed statement that an error may show. */
export interface FailedStatement {
  readonly file: string;
  readonly shape: string;
  readonly vocabulary: Vocabulary;
}

/** The error that stands for `failure` outside this room, where no engine's codes are known. */
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
    // The content of a virtual table contradicts itself, which says nothing about the file.
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
  // A file that is there and cannot be opened is not gone: the system has no file handles left, or gives no right to it.
  if (code.startsWith('SQLITE_CANTOPEN'))
    return existsSync(file) ? new DatabaseOpenError(file, message, cause) : new DatabaseGoneError(file);
  if (isWriteRefused(code)) return writeRefusal(failure);
  if (/^SQLITE_(?:IOERR|READONLY|PROTOCOL)/.test(code)) return new StorageFailedError(message, cause);
  // A file that the engine opens by itself, beside the database.
  if (/^E[A-Z0-9]+$/.test(code)) return new StorageFailedError(message, cause);
  return new StatementFailedError(shape, message, cause);
}
