import { defineError } from '@aico/protocol';
import { engineMessageOf } from '../engine/engine-failure.ts';

/** The statement is not allowed. */
export class StatementRefusedError extends defineError({
  code: 'AICO_DATA_STATEMENT_REFUSED',
  exit: 'database',
  hint: 'Run one statement at a time through execute(), and schema changes through migrate().',
  make: (statement: string, reason: string) => ({
    message: `"${statement}" is refused: ${reason}`,
    statement,
  }),
}) {}

/** The engine could not compile or execute the statement. */
export class StatementFailedError extends defineError({
  code: 'AICO_DATA_STATEMENT_FAILED',
  exit: 'database',
  hint: 'Compare the statement with the tables (aico db status). The message contains no private text; `error.engineMessage` is the full message of the engine.',
  make: (statement: string, reason: string, cause: unknown) => ({
    message: `"${statement}" failed: ${reason}`,
    cause,
    statement,
  }),
}) {
  /** The engine's own message, which may contain private values. Do not log or send it. */
  get engineMessage(): string | undefined {
    return engineMessageOf(this.cause);
  }
}

/** The parameters do not fit the statement, or cannot be stored. */
export class ParametersInvalidError extends defineError({
  code: 'AICO_DATA_PARAMETERS_INVALID',
  exit: 'database',
  hint: 'Pass null, strings, numbers, bigints, booleans and Uint8Arrays, one for each placeholder.',
  make: (reason: string, cause?: unknown) => ({ message: reason, cause }),
}) {}

/** A statement violates a constraint of the schema; only this statement failed. */
export class ConstraintError extends defineError({
  code: 'AICO_DATA_CONSTRAINT',
  exit: 'database',
  hint: 'The statement stored nothing.',
  make: (constraint: string, reason: string, cause: unknown) => ({
    message: reason,
    cause,
    /** `unique`, `primarykey`, `notnull`, `check`, `foreignkey`, `trigger`, `datatype` or another name of the engine. */
    constraint,
  }),
}) {
  /** The engine's own message, which may contain private values. Do not log or send it. */
  get engineMessage(): string | undefined {
    return engineMessageOf(this.cause);
  }
}

/** The rows of a statement exceed the memory limit. */
export class ResultTooLargeError extends defineError({
  code: 'AICO_DATA_RESULT_TOO_LARGE',
  exit: 'database',
  hint: 'Read them by stream(), or select fewer rows or columns at a time.',
  make: (statement: string, limit: string, cause: unknown) => ({
    message: `the rows of "${statement}" take more than ${limit} bytes`,
    cause,
    statement,
  }),
}) {}
