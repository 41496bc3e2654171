import { AicoError } from '@aico/protocol';

/** One place of a payload that does not fit its schema. */
export interface PayloadIssue {
  /** A JSON pointer (RFC 6901); empty for the payload itself. */
  readonly path: string;
  readonly message: string;
}

/** A payload that its topic's schema, or the bus, cannot accept. Names places and reasons, never values. */
export class PayloadInvalidError extends AicoError {
  readonly topic: string;
  readonly issues: readonly PayloadIssue[];

  constructor(topic: string, issues: readonly PayloadIssue[], cause?: unknown) {
    const reasons = issues.map(({ path, message }) => `${path === '' ? 'payload' : path} ${message}`);
    super('AICO_BUS_PAYLOAD', `The message for "${topic}" does not fit: ${reasons.join('; ')}`, {
      hint: 'Compare what is published with the schema given to defineTopic(); messages are data, without functions.',
      cause,
    });
    this.topic = topic;
    this.issues = issues;
  }
}

/** A client was used before `connect()` or after `close()`. */
export class BusNotConnectedError extends AicoError {
  readonly source: string;

  constructor(source: string, state: string) {
    super('AICO_BUS_NOT_CONNECTED', `The bus client of "${source}" is ${state}`, {
      hint: 'Call connect() first, and nothing after close() or drain().',
    });
    this.source = source;
  }
}

/** A subscriber's handler failed on a message; `cause` is what it threw. */
export class HandlerFailedError extends AicoError {
  readonly pattern: string;
  readonly topic: string;

  constructor(pattern: string, topic: string, cause: unknown) {
    super('AICO_BUS_HANDLER_FAILED', `The handler of "${pattern}" failed on a message of "${topic}"`, {
      hint: 'Catch inside the handler what it can deal with; the message is counted as failed and not repeated.',
      cause,
    });
    this.pattern = pattern;
    this.topic = topic;
  }
}

/** A subscription's queue was full and a message was dropped; told at the 1st, 2nd, 4th, 8th, … drop. */
export class MessagesDroppedError extends AicoError {
  readonly pattern: string;
  readonly dropped: number;

  constructor(pattern: string, dropped: number) {
    super(
      'AICO_BUS_DROPPED',
      `The subscription to "${pattern}" has dropped ${dropped} messages: it is too slow`,
      {
        hint: 'Make its handler faster, or give it a larger queueLimit.',
      },
    );
    this.pattern = pattern;
    this.dropped = dropped;
  }
}

/** An option that is out of range. */
export class BusOptionError extends AicoError {
  readonly option: string;

  constructor(option: string, reason: string) {
    super('AICO_BUS_OPTION', `The bus option "${option}" ${reason}`, { hint: 'Correct it where it is set.' });
    this.option = option;
  }
}

/** Nobody answered a request in time. */
export class RequestTimeoutError extends AicoError {
  readonly topic: string;
  readonly timeoutMs: number;

  constructor(topic: string, timeoutMs: number) {
    super('AICO_BUS_REQUEST_TIMEOUT', `Nobody answered the request on "${topic}" within ${timeoutMs} ms`, {
      hint: 'Is something responding on this topic? If it is only slow, give a larger timeoutMs.',
    });
    this.topic = topic;
    this.timeoutMs = timeoutMs;
  }
}

/** The responder's handler failed; it tells its code and nothing else. */
export class RequestFailedError extends AicoError {
  readonly topic: string;
  /** The code of the responder's error, when it was one of the project's. */
  readonly remoteCode: string | undefined;

  constructor(topic: string, remoteCode: string | undefined) {
    const code = remoteCode === undefined ? '' : ` (${remoteCode})`;
    super('AICO_BUS_REQUEST_FAILED', `The request on "${topic}" was taken but failed${code}`, {
      hint: "The responder's log says why.",
    });
    this.topic = topic;
    this.remoteCode = remoteCode;
  }
}
