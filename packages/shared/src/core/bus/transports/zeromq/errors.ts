import { defineError } from '@aico/protocol';

/** The broker could not be reached in time. */
export class BusUnreachableError extends defineError({
  code: 'AICO_BUS_UNREACHABLE',
  hint: 'Check that the backend runs (aico status) with core.message_bus.broker.enabled. If it does, its endpoint may have changed: make a new credential.',
  make: (endpoint: string, timeoutMs: number, cause?: unknown) => ({
    message: `No broker answered at ${endpoint} within ${timeoutMs} ms`,
    cause,
    endpoint,
  }),
}) {}

/** The broker refused the connection, because the key is not allowed or belongs to another component. */
export class BusRefusedError extends defineError({
  code: 'AICO_BUS_REFUSED',
  hint: 'Make a new credential with `aico bus grant`, or renew it with `aico bus grant --renew`.',
  make: (component: string, reason: string) => ({
    message: `The broker refuses "${component}": ${reason}`,
    component,
    reason,
  }),
}) {}

/** The component has no right to publish on a topic, or to subscribe to a pattern. */
export class BusDeniedError extends defineError({
  code: 'AICO_BUS_DENIED',
  hint: '`aico bus list` shows the rights of the component; `aico bus grant` gives it more.',
  make: (topic: string, reason: string) => ({ message: `The broker refuses "${topic}": ${reason}`, topic }),
}) {}

/** The connection broke before the broker confirmed a message, which may or may not have been delivered. */
export class BusConnectionLostError extends defineError({
  code: 'AICO_BUS_CONNECTION_LOST',
  hint: 'Publish the message again if a duplicate does no harm. The client reconnects by itself.',
  make: (topic: string) => ({
    message: `The connection to the broker broke before it confirmed a message for "${topic}"`,
    topic,
  }),
}) {}

/** Messages were published faster than they could be sent, or there was no connection for too long. */
export class BusCongestedError extends defineError({
  code: 'AICO_BUS_CONGESTED',
  hint: 'Await publish() before publishing more. The message was not delivered and may be published again.',
  make: (topic: string, reason: string) => ({
    message: `A message for "${topic}" was not sent: ${reason}`,
    topic,
  }),
}) {}

/** The message is larger than the broker accepts. */
export class MessageTooLargeError extends defineError({
  code: 'AICO_BUS_TOO_LARGE',
  hint: 'Store large content elsewhere and publish its address, or raise core.message_bus.broker.max_message_bytes.',
  make: (topic: string, bytes: number, limit: number) => ({
    message: `The message for "${topic}" has ${bytes} bytes, and the broker accepts at most ${limit}`,
    topic,
    bytes,
    limit,
  }),
}) {}

/** The file is not a credential of the bus. */
export class BusCredentialError extends defineError({
  code: 'AICO_BUS_CREDENTIAL',
  hint: 'Make one with `aico bus grant NAME --publish … --subscribe … --out FILE`.',
  make: (file: string, reason: string, cause?: unknown) => ({
    message: `${file} is not a credential of the bus: ${reason}`,
    cause,
    file,
  }),
}) {}

/** A peer sent a frame that is malformed or of an unknown type. */
export class BusProtocolError extends defineError({
  code: 'AICO_BUS_PROTOCOL',
  hint: 'Compare the frame with docs/bus-protocol.md, and the versions of both sides.',
  make: (reason: string) => ({ message: `The other side broke the bus protocol: ${reason}` }),
}) {}
