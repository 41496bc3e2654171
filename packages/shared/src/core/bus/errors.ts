import { defineError } from '@aico/protocol';

/** One place of a payload that does not fit its schema. */
export interface PayloadIssue {
  /** A JSON pointer (RFC 6901); empty for the payload itself. */
  readonly path: string;
  readonly message: string;
}

/** A payload that its topic's schema, or the bus, cannot accept. Names places and reasons, never values. */
export class PayloadInvalidError extends defineError({
  code: 'AICO_BUS_PAYLOAD',
  hint: 'Compare what is published with the schema given to defineTopic(); messages are data, without functions.',
  make: (topic: string, issues: readonly PayloadIssue[], cause?: unknown) => {
    const reasons = issues.map(({ path, message }) => `${path === '' ? 'payload' : path} ${message}`);
    return {
      message: `The message for "${topic}" does not fit: ${reasons.join('; ')}`,
      cause,
      topic,
      issues,
    };
  },
}) {}

/** A client was used before `connect()` or after `close()`. */
export class BusNotConnectedError extends defineError({
  code: 'AICO_BUS_NOT_CONNECTED',
  hint: 'Call connect() first, and nothing after close() or drain().',
  make: (source: string, state: string) => ({ message: `The bus client of "${source}" is ${state}`, source }),
}) {}

/** A subscriber's handler failed on a message; `cause` is what it threw. */
export class HandlerFailedError extends defineError({
  code: 'AICO_BUS_HANDLER_FAILED',
  hint: 'Catch inside the handler what it can deal with; the message is counted as failed and not repeated.',
  make: (pattern: string, topic: string, cause: unknown) => ({
    message: `The handler of "${pattern}" failed on a message of "${topic}"`,
    cause,
    pattern,
    topic,
  }),
}) {}

/** A subscription's queue was full and a message was dropped; told at the 1st, 2nd, 4th, 8th, … drop. */
export class MessagesDroppedError extends defineError({
  code: 'AICO_BUS_DROPPED',
  hint: 'Make its handler faster, or give it a larger queueLimit.',
  make: (pattern: string, dropped: number) => ({
    message: `The subscription to "${pattern}" has dropped ${dropped} messages: it is too slow`,
    pattern,
    dropped,
  }),
}) {}

/** A subscription that makes publishers wait had no room. */
export class BusFullError extends defineError({
  code: 'AICO_BUS_FULL',
  hint: 'Await each publish, never inside the handler of that same subscription; or make the handler faster.',
  make: (pattern: string, outcome: 'late' | 'refused', waitMs: number) => ({
    message:
      outcome === 'late'
        ? `The subscription to "${pattern}" had no room for ${waitMs} ms; the message still waits there`
        : `The subscription to "${pattern}" is full and too many publishers wait already; the message was dropped there`,
    pattern,
    /** `'late'`: the message is queued, but had no room in time. `'refused'`: it was dropped there, and counted. */
    outcome,
  }),
}) {}

/** An option that is out of range. */
export class BusOptionError extends defineError({
  code: 'AICO_BUS_OPTION',
  hint: 'Correct it where it is set.',
  make: (option: string, reason: string) => ({ message: `The bus option "${option}" ${reason}`, option }),
}) {}

/** Nobody answered a request in time. */
export class RequestTimeoutError extends defineError({
  code: 'AICO_BUS_REQUEST_TIMEOUT',
  status: 504,
  hint: 'Is something responding on this topic? If it is only slow, wait longer: `timeoutMs`, or --timeout of `aico bus request`.',
  make: (topic: string, timeoutMs: number) => ({
    message: `Nobody answered the request on "${topic}" within ${timeoutMs} ms`,
    topic,
    timeoutMs,
  }),
}) {}

/** Whoever asked waits no more: its deadline has passed, or it has given up. The reason of a responder's signal. */
export class RequestGivenUpError extends defineError({
  code: 'AICO_BUS_REQUEST_GIVEN_UP',
  hint: 'Nothing is to be done: stop the work that the request caused.',
  make: (topic: string) => ({ message: `The request on "${topic}" was given up by whoever asked`, topic }),
}) {}

/** The responder's handler failed; it tells its code and nothing else. */
export class RequestFailedError extends defineError({
  code: 'AICO_BUS_REQUEST_FAILED',
  status: 502,
  hint: "The responder's log says why.",
  make: (topic: string, remoteCode: string | undefined) => {
    const code = remoteCode === undefined ? '' : ` (${remoteCode})`;
    return {
      message: `The request on "${topic}" was taken but failed${code}`,
      topic,
      /** The code of the responder's error, when it was one of the project's. */
      remoteCode,
    };
  },
}) {}

/** A durable message, on a bus that was given no store for them. */
export class BusNotDurableError extends defineError({
  code: 'AICO_BUS_NOT_DURABLE',
  hint: "Use the service 'message_bus' of a backend, or give the client a store: { durable: new DurableStreams({ database }) }.",
  make: () => ({ message: 'this bus keeps no messages' }),
}) {}

/** A topic that only a part of the backend itself may publish on, or subscribe to. */
export class BusTopicReservedError extends defineError({
  code: 'AICO_BUS_TOPIC_RESERVED',
  status: 403,
  hint: 'Choose a topic that begins with a name of your own, such as notes.created; write log lines with a logger.',
  make: (topic: string, reason: string) => ({
    message: `The topic "${topic}" is reserved: ${reason}`,
    topic,
  }),
}) {}

/** A client without a transport, where several backends run in the process. */
export class BusAmbiguousError extends defineError({
  code: 'AICO_BUS_AMBIGUOUS',
  hint: "Use the service 'message_bus' of the backend that is meant, or give the client its transport.",
  make: (backends: number) => ({
    message: `${backends} backends run in this process, and the client names none of them`,
  }),
}) {}
