import { defineError } from '@aico/backend/plugin';

/** A message that is not stored; the import goes on with the next. */
export class MessageRefusedError extends defineError({
  code: 'AICO_INBOX_MESSAGE_REFUSED',
  hint: 'The rest was imported. Look at the message in the mailbox it came from.',
  make: (reason: string, cause?: unknown) => ({ message: reason, cause }),
}) {}

/** The body of an import is not a sequence of frames. Nothing of it was stored. */
export class FramesBrokenError extends defineError({
  code: 'AICO_INBOX_FRAMES',
  status: 400,
  hint: 'Each message is four bytes of length, most significant first, then so many bytes.',
  make: () => ({ message: 'the body is not a sequence of messages, each after its length' }),
}) {}

/** An import brings more messages at once than are taken. Nothing of it was stored. */
export class BatchTooLargeError extends defineError({
  code: 'AICO_INBOX_BATCH',
  status: 413,
  hint: 'Send them in several requests.',
  make: (messages: number, limit: number) => ({
    message: `${messages} messages at once, and the limit is ${limit}`,
  }),
}) {}

/** A search that full-text search does not understand. */
export class SearchInvalidError extends defineError({
  code: 'AICO_INBOX_SEARCH',
  status: 400,
  hint: 'Leave out `syntax=fts5` to search for plain words, or see https://sqlite.org/fts5.html for the syntax.',
  make: (cause: unknown) => ({ message: 'the search is not understood', cause }),
}) {}

/** There is no message of this number. */
export class MessageUnknownError extends defineError({
  code: 'AICO_INBOX_UNKNOWN',
  status: 404,
  hint: 'GET /api/v1/inbox/messages lists them.',
  make: (id: number) => ({ message: `there is no message ${id}` }),
}) {}

/** A path given to import that cannot be read. Nothing was imported. */
export class MailboxUnreadableError extends defineError({
  code: 'AICO_INBOX_UNREADABLE',
  hint: 'Name an mbox file, an .eml file, or a folder of them.',
  make: (path: string, cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return { message: `cannot read ${path}: ${reason}`, cause };
  },
}) {}
