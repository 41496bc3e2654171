import { defineError } from '@aico/protocol';

/** A location in a payload that does not match the schema. */
export interface PayloadIssue {
  /** A JSON pointer (RFC 6901); empty for the payload itself. */
  readonly path: string;
  readonly message: string;
}

/** The payload does not match the schema of its topic, or is not data. The error contains locations and reasons, never values. */
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
  hint: 'Call connect() before using the client, and do not use it after close() or drain().',
  make: (source: string, state: string) => ({ message: `The bus client of "${source}" is ${state}`, source }),
}) {}

/** A subscription's handler threw or rejected; `cause` is its error. */
export class HandlerFailedError extends defineError({
  code: 'AICO_BUS_HANDLER_FAILED',
  hint: 'Catch errors inside the handler; the message is counted as failed and not delivered again.',
  make: (pattern: string, topic: string, cause: unknown) => ({
    message: `The handler of "${pattern}" failed on a message of "${topic}"`,
    cause,
    pattern,
    topic,
  }),
}) {}

/** A subscription's queue was full and messages were dropped. The error is reported at the 1st, 2nd, 4th, 8th, … drop. */
export class MessagesDroppedError extends defineError({
  code: 'AICO_BUS_DROPPED',
  hint: 'Make the handler faster, or raise the queueLimit of the subscription.',
  make: (pattern: string, dropped: number) => ({
    message: `The subscription to "${pattern}" has dropped ${dropped} messages: it is too slow`,
    pattern,
    dropped,
  }),
}) {}

/** A subscription with back-pressure had no room for a message in time. */
export class BusFullError extends defineError({
  code: 'AICO_BUS_FULL',
  hint: 'Await each publish, and do not await one inside the handler of the same subscription; or make the handler faster.',
  make: (pattern: string, outcome: 'late' | 'refused', waitMs: number) => ({
    message:
      outcome === 'late'
        ? `The queue of the subscription to "${pattern}" had no room for ${waitMs} ms; the message is still queued`
        : `The queue of the subscription to "${pattern}" is full and too many publishers wait for it; the message was dropped`,
    pattern,
    /** `'late'`: the message is queued, but the queue had no room in time. `'refused'`: the message was dropped and counted. */
    outcome,
  }),
}) {}

/** An option of the bus is out of range. */
export class BusOptionError extends defineError({
  code: 'AICO_BUS_OPTION',
  hint: 'Correct the option where it is set.',
  make: (option: string, reason: string) => ({ message: `The bus option "${option}" ${reason}`, option }),
}) {}

/** No responder has subscribed to the topic of the request. */
export class NoResponderError extends defineError({
  code: 'AICO_BUS_NO_RESPONDER',
  status: 503,
  hint: 'Start the component that answers requests on this topic, or wait for it; check the spelling of the topic.',
  make: (topic: string) => ({ message: `No component answers requests on "${topic}"`, topic }),
}) {}

/** No responder answered the request in time. */
export class RequestTimeoutError extends defineError({
  code: 'AICO_BUS_REQUEST_TIMEOUT',
  status: 504,
  hint: 'Check the responder of this topic. If it is only slow, raise `timeoutMs`, or --timeout of `aico bus request`.',
  make: (topic: string, timeoutMs: number) => ({
    message: `No responder answered the request on "${topic}" within ${timeoutMs} ms`,
    topic,
    timeoutMs,
  }),
}) {}

/** The requester cancelled the request, or its deadline passed. This is the reason of a responder's signal. */
export class RequestGivenUpError extends defineError({
  code: 'AICO_BUS_REQUEST_GIVEN_UP',
  hint: 'No action is needed: stop the work that the request caused.',
  make: (topic: string) => ({ message: `The request on "${topic}" was cancelled by the requester`, topic }),
}) {}

/** The responder's handler failed. The error carries the responder's code, but not its message. */
export class RequestFailedError extends defineError({
  code: 'AICO_BUS_REQUEST_FAILED',
  status: 502,
  hint: 'Read the log of the responder.',
  make: (topic: string, remoteCode: string | undefined) => {
    const code = remoteCode === undefined ? '' : ` (${remoteCode})`;
    return {
      message: `The responder failed on the request on "${topic}"${code}`,
      topic,
      /** The code of the responder's error, when it was an `AicoError`. */
      remoteCode,
    };
  },
}) {}

/** A durable message was published on a bus without a store. */
export class BusNotDurableError extends defineError({
  code: 'AICO_BUS_NOT_DURABLE',
  hint: "Use the service 'message_bus' of a backend, or give the client a store: { durable: new DurableStreams({ database }) }.",
  make: () => ({ message: 'this bus has no store for durable messages' }),
}) {}

/** The topic is reserved for the backend itself. */
export class BusTopicReservedError extends defineError({
  code: 'AICO_BUS_TOPIC_RESERVED',
  status: 403,
  hint: 'Choose a topic that begins with a name of your own, such as notes.created; write log lines with a logger.',
  make: (topic: string, reason: string) => ({
    message: `The topic "${topic}" is reserved: ${reason}`,
    topic,
  }),
}) {}

/** A client without a transport was created in a process where several backends run. */
export class BusAmbiguousError extends defineError({
  code: 'AICO_BUS_AMBIGUOUS',
  hint: "Use the service 'message_bus' of the backend, or pass a transport to the client.",
  make: (backends: number) => ({
    message: `${backends} backends run in this process, and the client does not say which one it belongs to`,
  }),
}) {}
