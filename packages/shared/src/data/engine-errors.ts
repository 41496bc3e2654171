import type { Failure } from './engine/wire.ts';
import {
  ConstraintError,
  DatabaseBusyError,
  DatabaseCorruptError,
  DatabaseGoneError,
  DiskFullError,
  EngineSetupError,
  ParametersInvalidError,
  StatementFailedError,
  StatementRefusedError,
  StorageFailedError,
  TransactionEndedError,
} from './errors.ts';
import { summaryOf } from './sql-text.ts';

/** An engine's own words, kept as the cause. */
export class EngineFailure extends Error {
  readonly code: string;
  constructor(failure: Failure) {
    super(failure.message);
    this.name = 'EngineFailure';
    this.code = failure.code;
  }
}

/** The error that stands for `failure` outside this room, where no engine's codes are known. */
export function errorOf(failure: Failure, file: string, sql: string): Error {
  const cause = new EngineFailure(failure);
  const { code, message } = failure;
  switch (code) {
    case 'AICO_PARAMETERS':
      return new ParametersInvalidError(message, cause);
    case 'AICO_STATEMENT_COUNT':
      return new StatementRefusedError(summaryOf(sql), 'it is not exactly one statement');
    case 'AICO_NOT_READ_ONLY':
      return new StatementRefusedError(summaryOf(sql), 'it does not only read');
    case 'AICO_NO_SESSION':
      return new TransactionEndedError('has ended: an earlier failure rolled it back', cause);
    case 'AICO_STOPPED':
      return new StorageFailedError(`no write is acknowledged since "${message}"`, cause);
    case 'AICO_SETUP':
      return new EngineSetupError(message, cause);
    case 'SQLITE_FULL':
      return new DiskFullError(cause);
    case 'SQLITE_IOERR_DATA':
      return new DatabaseCorruptError(file, 'a page does not authenticate', cause);
    case 'SQLITE_NOTADB':
      return new DatabaseCorruptError(file, 'its first page does not authenticate', cause);
    case 'SQLITE_CANTOPEN':
      return new DatabaseGoneError(file);
  }
  if (code.startsWith('SQLITE_CONSTRAINT'))
    return new ConstraintError(code.slice('SQLITE_CONSTRAINT_'.length).toLowerCase(), message, cause);
  if (code.startsWith('SQLITE_CORRUPT')) return new DatabaseCorruptError(file, message, cause);
  if (/^SQLITE_(?:BUSY|LOCKED)/.test(code)) return new DatabaseBusyError(cause);
  if (/^SQLITE_(?:IOERR|READONLY|CANTOPEN|NOMEM|PROTOCOL)/.test(code))
    return new StorageFailedError(message, cause);
  return new StatementFailedError(summaryOf(sql), message, cause);
}
