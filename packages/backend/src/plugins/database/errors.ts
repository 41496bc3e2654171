import { AicoError } from '@aico/protocol';

/** A query over the API that cannot be run: not SQL, not a reading statement, or with parameters that do not fit. */
export class QueryRefusedError extends AicoError {
  readonly statusCode = 400;

  constructor(cause: Error) {
    super('AICO_DATABASE_QUERY', cause.message, {
      hint: 'One statement that only reads, with a value for each of its parameters.',
      cause,
    });
  }
}

/** A query over the API that was ended: it took longer or more memory than it may, or its caller left. */
export class QueryLimitError extends AicoError {
  readonly statusCode = 422;

  constructor(cause: AicoError) {
    super('AICO_DATABASE_QUERY_LIMIT', cause.message, {
      hint: cause.hint ?? 'Narrow the query with WHERE or LIMIT.',
      cause,
    });
  }
}

/** A backup that could not be made; its owner may know why. */
export class BackupRefusedError extends AicoError {
  readonly statusCode = 503;

  constructor(cause: AicoError) {
    const root = cause.cause instanceof Error ? `: ${cause.cause.message}` : '';
    super('AICO_DATABASE_BACKUP_REFUSED', `${cause.message}${root}`, {
      hint: cause.hint ?? 'See the log of the backend.',
      cause,
    });
  }
}
