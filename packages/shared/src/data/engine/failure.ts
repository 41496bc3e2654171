import path from 'node:path';
import { errnoOf, findFault } from '../../core/system-errors/index.ts';
import { TableNotOwned } from '../ownership/refusals.ts';
import type { Failure } from './wire.ts';

/** A refusal by this project's engine code, as opposed to an error of the driver. */
export class EngineRefusal extends Error {
  readonly code: string;
  constructor(
    code:
      | 'ENGINE_NOT_READ_ONLY'
      | 'ENGINE_NOT_RUN'
      | 'ENGINE_NO_SESSION'
      | 'ENGINE_RESULT_TOO_LARGE'
      | 'ENGINE_STOPPED',
    message: string,
  ) {
    super(message);
    this.code = code;
  }
}

/** Reports that the call was not started, so that others need not wait for it. The sender repeats the call. */
export function notRun(): EngineRefusal {
  return new EngineRefusal('ENGINE_NOT_RUN', 'the call is left to a later batch or another thread');
}

/** Codes that SQLite uses for several different system errors. */
const AMBIGUOUS = /^SQLITE_(?:CANTOPEN|READONLY|IOERR_(?:WRITE|TRUNCATE|SHM|FSTAT|LOCK|DELETE|ACCESS))/;

/**
 * Converts an error for the main thread. The driver reports wrong parameters as RangeError and TypeError.
 * @param file the database; for an ambiguous code, its folder is examined to find the system error
 */
export function toFailure(error: unknown, file: string): Failure {
  if (error instanceof TableNotOwned)
    return { code: error.code, message: error.message, access: error.access };
  if (!(error instanceof Error)) return { code: 'ENGINE_UNKNOWN', message: String(error) };
  if ('code' in error && typeof error.code === 'string') {
    const { code, message } = { code: error.code, message: error.message };
    const errno = (AMBIGUOUS.test(code) ? findFault(path.dirname(file)) : undefined) ?? errnoOf(error);
    return errno === undefined ? { code, message } : { code, message, errno };
  }
  if (/more than one statement|contains no statements/.test(error.message))
    return { code: 'ENGINE_STATEMENT_COUNT', message: error.message };
  if (error instanceof RangeError || error instanceof TypeError)
    return { code: 'ENGINE_PARAMETERS', message: error.message };
  return { code: 'ENGINE_UNKNOWN', message: error.message };
}

/** Whether the code reports a fault of the file and not of the statement, so that the whole transaction has failed. */
export function isStorageFault(code: string): boolean {
  return /^SQLITE_(?:FULL|IOERR|CORRUPT|NOTADB|READONLY|CANTOPEN|NOMEM|PROTOCOL|BUSY|LOCKED)/.test(code);
}
