import { defineError } from '@aico/protocol';

/** A query over the API exceeded its time limit and was cancelled. */
export class QueryDeadlineError extends defineError({
  code: 'AICO_DATA_QUERY_DEADLINE',
  exit: 'database',
  hint: 'Restrict it with WHERE or LIMIT, or check whether a recursion in it ends.',
  make: (statement: string, deadlineMs: number) => ({
    message: `"${statement}" was cancelled after ${deadlineMs} ms without a result`,
    statement,
    deadlineMs,
  }),
}) {}

/** The query was cancelled because its client disconnected or the backend stops. */
export class QueryAbandonedError extends defineError({
  code: 'AICO_DATA_QUERY_ABANDONED',
  exit: 'database',
  hint: 'Run the query again.',
  make: (statement: string) => ({
    message: `"${statement}" was cancelled: its client disconnected, or the backend stops`,
    statement,
  }),
}) {}

/** A query over the API exceeded its memory limit and was cancelled. */
export class QueryTooLargeError extends defineError({
  code: 'AICO_DATA_QUERY_TOO_LARGE',
  exit: 'database',
  hint: 'Select fewer columns or rows, parts of a long value with substr(), or sort less.',
  make: (statement: string, what: 'row' | 'memory', bytes: number) => ({
    message:
      what === 'row'
        ? `the first row of "${statement}" alone is larger than ${bytes} bytes`
        : `"${statement}" needs more than ${bytes} bytes of memory and was cancelled`,
    statement,
  }),
}) {}

/** The process of a query ended without a result. */
export class QueryProcessError extends defineError({
  code: 'AICO_DATA_QUERY_PROCESS',
  exit: 'database',
  hint: 'Run the query again. If it happens again, check whether the machine has too little memory or too many processes.',
  make: (ending: string, cause?: unknown) => ({
    message: `the process that ran the query ended without a result: ${ending}`,
    cause,
  }),
}) {}
