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
