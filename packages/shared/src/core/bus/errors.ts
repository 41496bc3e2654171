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

/** A subscription that makes publishers wait had no room. */
export class BusFullError extends AicoError {
  readonly pattern: string;
  /** `'late'`: the message is queued, but had no room in time. `'refused'`: it was dropped there, and counted. */
  readonly outcome: 'late' | 'refused';

  constructor(pattern: string, outcome: 'late' | 'refused', waitMs: number) {
    super(
      'AICO_BUS_FULL',
      outcome === 'late'
        ? `The subscription to "${pattern}" had no room for ${waitMs} ms; the message still waits there`
        : `The subscription to "${pattern}" is full and too many publishers wait already; the message was dropped there`,
      {
        hint: 'Await each publish, never inside the handler of that same subscription; or make the handler faster.',
      },
    );
    this.pattern = pattern;
    this.outcome = outcome;
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
  readonly statusCode = 504;
  readonly topic: string;
  readonly timeoutMs: number;

  constructor(topic: string, timeoutMs: number) {
    super('AICO_BUS_REQUEST_TIMEOUT', `Nobody answered the request on "${topic}" within ${timeoutMs} ms`, {
      hint: 'Is something responding on this topic? If it is only slow, wait longer: `timeoutMs`, or --timeout of `aico bus request`.',
    });
    this.topic = topic;
    this.timeoutMs = timeoutMs;
  }
}

/** Whoever asked waits no more: its deadline has passed, or it has given up. The reason of a responder's signal. */
export class RequestGivenUpError extends AicoError {
  readonly topic: string;

  constructor(topic: string) {
    super('AICO_BUS_REQUEST_GIVEN_UP', `The request on "${topic}" was given up by whoever asked`, {
      hint: 'Nothing is to be done: stop the work that the request caused.',
    });
    this.topic = topic;
  }
}

/** The responder's handler failed; it tells its code and nothing else. */
export class RequestFailedError extends AicoError {
  readonly statusCode = 502;
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

/** A durable message, on a bus that was given no store for them. */
export class BusNotDurableError extends AicoError {
  constructor() {
    super('AICO_BUS_NOT_DURABLE', 'this bus keeps no messages', {
      hint: "Use the service 'message_bus' of a backend, or give the client a store: { durable: new DurableStreams({ database }) }.",
    });
  }
}

/** A topic that only a part of the backend itself may publish on, or subscribe to. */
export class BusTopicReservedError extends AicoError {
  readonly statusCode = 403;
  readonly topic: string;

  constructor(topic: string, reason: string) {
    super('AICO_BUS_TOPIC_RESERVED', `The topic "${topic}" is reserved: ${reason}`, {
      hint: 'Choose a topic that begins with a name of your own, such as notes.created; write log lines with a logger.',
    });
    this.topic = topic;
  }
}

/** A client without a transport, where several backends run in the process. */
export class BusAmbiguousError extends AicoError {
  constructor(backends: number) {
    super(
      'AICO_BUS_AMBIGUOUS',
      `${backends} backends run in this process, and the client names none of them`,
      {
        hint: "Use the service 'message_bus' of the backend that is meant, or give the client its transport.",
      },
    );
  }
}
