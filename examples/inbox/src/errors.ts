import { defineError } from '@aico/backend/plugin';

/** A message was refused; the import continues with the next one. */
export class MessageRefusedError extends defineError({
  code: 'AICO_INBOX_MESSAGE_REFUSED',
  hint: 'The other messages were imported. Look at this one in its mailbox.',
  make: (reason: string, cause?: unknown) => ({ message: reason, cause }),
}) {}

/** The body of an import request is not a sequence of frames. Nothing was stored. */
export class FramesBrokenError extends defineError({
  code: 'AICO_INBOX_FRAMES',
  status: 400,
  hint: 'Send each message as four bytes of length, most significant byte first, and the bytes of the message.',
  make: () => ({ message: 'the body is not a sequence of messages, each preceded by its length' }),
}) {}

/** An import request has more messages than one request may have. None of them was stored. */
export class BatchTooLargeError extends defineError({
  code: 'AICO_INBOX_BATCH',
  status: 413,
  hint: 'Send the messages in several requests.',
  make: (messages: number, limit: number) => ({
    message: `the request holds ${messages} messages, and the limit is ${limit}`,
  }),
}) {}

/** The search expression is not valid. */
export class SearchInvalidError extends defineError({
  code: 'AICO_INBOX_SEARCH',
  status: 400,
  hint: 'Leave out `syntax=fts5` to search for plain words, or see https://sqlite.org/fts5.html for the syntax.',
  make: (cause: unknown) => ({ message: 'the search is not understood', cause }),
}) {}

/** There is no message with this number. */
export class MessageUnknownError extends defineError({
  code: 'AICO_INBOX_UNKNOWN',
  status: 404,
  hint: 'GET /api/v1/inbox/messages lists the messages.',
  make: (id: number) => ({ message: `there is no message ${id}` }),
}) {}

/** A path given to the import cannot be read. Nothing was imported. */
export class MailboxUnreadableError extends defineError({
  code: 'AICO_INBOX_UNREADABLE',
  hint: 'Name an mbox file, an .eml file, or a folder of them.',
  make: (path: string, cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return { message: `cannot read ${path}: ${reason}`, cause };
  },
}) {}
