import { type AicoError, defineError } from '@aico/protocol';

/** A query over the API that cannot be run: not SQL, not a reading statement, or with parameters that do not fit. */
export class QueryRefusedError extends defineError({
  code: 'AICO_DATABASE_QUERY',
  status: 400,
  hint: 'One statement that only reads, with a value for each of its parameters.',
  make: (cause: Error) => ({ message: cause.message, cause }),
}) {}

/** A query over the API that was ended: it took longer or more memory than it may, or its caller left. */
export class QueryLimitError extends defineError({
  code: 'AICO_DATABASE_QUERY_LIMIT',
  status: 422,
  make: (cause: AicoError) => ({
    message: cause.message,
    hint: cause.hint ?? 'Narrow the query with WHERE or LIMIT.',
    cause,
  }),
}) {}

/** A backup that could not be made; its owner may know why. */
export class BackupRefusedError extends defineError({
  code: 'AICO_DATABASE_BACKUP_REFUSED',
  status: 503,
  make: (cause: AicoError) => {
    const root = cause.cause instanceof Error ? `: ${cause.cause.message}` : '';
    return { message: `${cause.message}${root}`, hint: cause.hint ?? 'See the log of the backend.', cause };
  },
}) {}
