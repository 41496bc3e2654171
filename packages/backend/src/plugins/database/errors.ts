import { type AicoError, defineError, type ProblemIssue } from '@aico/protocol';
import { StatementFailedError } from '@aico/shared/data';

/** A query over the API is not one reading SQL statement, or its parameters do not fit. */
export class QueryRefusedError extends defineError({
  code: 'AICO_DATABASE_QUERY',
  status: 400,
  hint: 'Send one statement that only reads, with a value for each of its parameters.',
  make: (cause: Error) => ({ message: cause.message, cause }),
}) {
  /** SQLite's original message, for the author of the query. It is a getter, so that log lines do not contain it. */
  get issues(): readonly ProblemIssue[] {
    const message = this.cause instanceof StatementFailedError ? this.cause.engineMessage : undefined;
    return message === undefined ? [] : [{ path: 'body/sql', message }];
  }
}

/** A query over the API was cancelled: it exceeded its time or memory, or its caller left. */
export class QueryLimitError extends defineError({
  code: 'AICO_DATABASE_QUERY_LIMIT',
  status: 422,
  make: (cause: AicoError) => ({
    message: cause.message,
    hint: cause.hint ?? 'Narrow the query with WHERE or LIMIT.',
    cause,
  }),
}) {}

/** A backup failed; only the owner of the home gets the reason. */
export class BackupRefusedError extends defineError({
  code: 'AICO_DATABASE_BACKUP_REFUSED',
  status: 503,
  make: (cause: AicoError) => {
    const root = cause.cause instanceof Error ? `: ${cause.cause.message}` : '';
    return { message: `${cause.message}${root}`, hint: cause.hint ?? 'Read the log of the backend.', cause };
  },
}) {}
