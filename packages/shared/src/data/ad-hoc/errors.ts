import { AicoError } from '@aico/protocol';

/** A query of a person ran longer than it may, and was ended. */
export class QueryDeadlineError extends AicoError {
  readonly statement: string;
  readonly deadlineMs: number;
  constructor(statement: string, deadlineMs: number) {
    super('AICO_DATA_QUERY_DEADLINE', `"${statement}" was ended after ${deadlineMs} ms without an answer`, {
      hint: 'Narrow it with WHERE or LIMIT, or check whether a recursion in it ends.',
    });
    this.statement = statement;
    this.deadlineMs = deadlineMs;
  }
}

/** The caller of a query has gone, or the backend stops, and the query was ended. */
export class QueryAbandonedError extends AicoError {
  readonly statement: string;
  constructor(statement: string) {
    super(
      'AICO_DATA_QUERY_ABANDONED',
      `"${statement}" was ended: its caller has gone, or the backend stops`,
      {
        hint: 'Run it again.',
      },
    );
    this.statement = statement;
  }
}

/** A query of a person needs more memory than it may have, and was ended. */
export class QueryTooLargeError extends AicoError {
  readonly statement: string;
  constructor(statement: string, what: 'row' | 'memory', bytes: number) {
    super(
      'AICO_DATA_QUERY_TOO_LARGE',
      what === 'row'
        ? `the first row of "${statement}" alone is larger than ${bytes} bytes`
        : `"${statement}" needs more than ${bytes} bytes of memory, and was ended`,
      { hint: 'Select fewer columns or rows, parts of a long value with substr(), or sort less.' },
    );
    this.statement = statement;
  }
}

/** The process of a query ended without an answer. */
export class QueryProcessError extends AicoError {
  constructor(how: string, cause?: unknown) {
    super('AICO_DATA_QUERY_PROCESS', `the process that ran the query ended without an answer: ${how}`, {
      hint: 'Ask again; if it happens again, look whether the machine is short of memory or of processes.',
      cause,
    });
  }
}
