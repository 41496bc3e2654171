import { defineError } from '@aico/protocol';

/** A statement exceeded its time limit. It cannot be interrupted, and is reported until it ends. */
export class StatementOverdueError extends defineError({
  code: 'AICO_DATA_STATEMENT_OVERDUE',
  exit: 'database',
  hint: 'Check whether a recursion in it ends, or add an index or a LIMIT. A restart ends the statement.',
  make: (owner: string | undefined, statement: string, how: string) => ({
    message: `"${statement}" of ${owner ?? 'the backend'} ${how}`,
    /** The owner of the statement; `undefined` for the backend itself. */
    owner,
    statement,
  }),
}) {}

/** A stream was closed because no rows were read from it. */
export class StreamIdleError extends defineError({
  code: 'AICO_DATA_STREAM_IDLE',
  exit: 'database',
  hint: 'Leave the loop or call return() when no more rows are needed. Move slow work out of the loop, or raise idleMs.',
  make: (owner: string | undefined, statement: string, openedAt: string, idleMs: number) => ({
    message:
      `the stream of "${statement}" that ${owner ?? 'the backend'} opened at ${openedAt} was not read from for ` +
      `${idleMs} ms and was closed`,
    owner,
    statement,
    openedAt,
  }),
}) {}

/** The limit of open streams and read-only transactions is reached. */
export class ReadersTakenError extends defineError({
  code: 'AICO_DATA_READERS_TAKEN',
  exit: 'database',
  hint: 'End each of them when it is no longer needed.',
  make: (
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
  ) => ({
    message:
      `${count} streams and read-only transactions are open, and none has ended within ${waitedMs} ms` +
      (oldest === undefined
        ? ''
        : `; the oldest is a ${oldest.what} that ${oldest.owner ?? 'the backend'} opened ` +
          `${Math.round(oldest.ms)} ms ago at ${oldest.openedAt}`),
  }),
}) {}
