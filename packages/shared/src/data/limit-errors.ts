import { AicoError } from '@aico/protocol';

/** A statement ran longer than it may. Nothing ends it: it is given up, and reported until it has ended. */
export class StatementOverdueError extends AicoError {
  /** In whose name it runs; `undefined` for the backend itself. */
  readonly owner: string | undefined;
  readonly statement: string;
  constructor(owner: string | undefined, statement: string, how: string) {
    super('AICO_DATA_STATEMENT_OVERDUE', `"${statement}" of ${owner ?? 'the backend'} ${how}`, {
      hint: 'Check whether a recursion or a join in it ends, or add an index or a LIMIT; a restart ends it for certain.',
    });
    this.owner = owner;
    this.statement = statement;
  }
}

/** A write does not end, and the one writer is not free for others. */
export class WriterOverdueError extends AicoError {
  readonly owner: string | undefined;
  readonly statement: string;
  constructor(owner: string | undefined, statement: string, ms: number) {
    super(
      'AICO_DATA_WRITER_OVERDUE',
      `"${statement}" of ${owner ?? 'the backend'} has been writing for ${Math.round(ms)} ms; this was not begun`,
      { hint: 'Try again when it has ended; the health of the database names it. A restart undoes it.' },
    );
    this.owner = owner;
    this.statement = statement;
  }
}

/** The rows of one statement take more memory than they may. */
export class ResultTooLargeError extends AicoError {
  readonly statement: string;
  constructor(statement: string, limit: string, cause: unknown) {
    super('AICO_DATA_RESULT_TOO_LARGE', `the rows of "${statement}" take more than ${limit} bytes`, {
      hint: 'Read them by stream(), or select fewer rows or columns at a time.',
      cause,
    });
    this.statement = statement;
  }
}

/** A stream from which nobody read was ended. */
export class StreamIdleError extends AicoError {
  readonly owner: string | undefined;
  readonly statement: string;
  readonly openedAt: string;
  constructor(owner: string | undefined, statement: string, openedAt: string, idleMs: number) {
    super(
      'AICO_DATA_STREAM_IDLE',
      `the stream of "${statement}" that ${owner ?? 'the backend'} opened at ${openedAt} was not read from for ` +
        `${idleMs} ms, and was ended`,
      {
        hint: 'Leave the loop or call return() when no more rows are needed; keep slow work outside, or raise idleMs.',
      },
    );
    this.owner = owner;
    this.statement = statement;
    this.openedAt = openedAt;
  }
}

/** All streams and read-only transactions that may be open at once are open. */
export class ReadersTakenError extends AicoError {
  constructor(
    count: number,
    waitedMs: number,
    oldest:
      | {
          readonly what: string;
          readonly owner: string | undefined;
          readonly openedAt: string;
          readonly ms: number;
        }
      | undefined,
  ) {
    super(
      'AICO_DATA_READERS_TAKEN',
      `${count} streams and read-only transactions are open, and none has ended within ${waitedMs} ms` +
        (oldest === undefined
          ? ''
          : `; the oldest is a ${oldest.what} that ${oldest.owner ?? 'the backend'} opened ` +
            `${Math.round(oldest.ms)} ms ago at ${oldest.openedAt}`),
      { hint: 'End each of them when it is no longer needed.' },
    );
  }
}
