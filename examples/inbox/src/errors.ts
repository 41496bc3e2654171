import { AicoError } from '@aico/backend/plugin';

/** A message that is not stored; the import goes on with the next. */
export class MessageRefusedError extends AicoError {
  constructor(reason: string, cause?: unknown) {
    super('AICO_INBOX_MESSAGE_REFUSED', reason, {
      hint: 'The rest was imported. Look at the message in the mailbox it came from.',
      cause,
    });
  }
}

/** The body of an import is not a sequence of frames. Nothing of it was stored. */
export class FramesBrokenError extends AicoError {
  readonly statusCode = 400;

  constructor() {
    super('AICO_INBOX_FRAMES', 'the body is not a sequence of messages, each after its length', {
      hint: 'Each message is four bytes of length, most significant first, then so many bytes.',
    });
  }
}

/** An import brings more messages at once than are taken. Nothing of it was stored. */
export class BatchTooLargeError extends AicoError {
  readonly statusCode = 413;

  constructor(messages: number, limit: number) {
    super('AICO_INBOX_BATCH', `${messages} messages at once, and the limit is ${limit}`, {
      hint: 'Send them in several requests.',
    });
  }
}

/** A search that full-text search does not understand. */
export class SearchInvalidError extends AicoError {
  readonly statusCode = 400;

  constructor(cause: unknown) {
    super('AICO_INBOX_SEARCH', 'the search is not understood', {
      hint: 'Leave out `syntax=fts5` to search for plain words, or see https://sqlite.org/fts5.html for the syntax.',
      cause,
    });
  }
}

/** There is no message of this number. */
export class MessageUnknownError extends AicoError {
  readonly statusCode = 404;

  constructor(id: number) {
    super('AICO_INBOX_UNKNOWN', `there is no message ${id}`, {
      hint: 'GET /api/v1/inbox/messages lists them.',
    });
  }
}

/** A path given to import that cannot be read. Nothing was imported. */
export class MailboxUnreadableError extends AicoError {
  constructor(path: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super('AICO_INBOX_UNREADABLE', `cannot read ${path}: ${reason}`, {
      hint: 'Name an mbox file, an .eml file, or a folder of them.',
      cause,
    });
  }
}
