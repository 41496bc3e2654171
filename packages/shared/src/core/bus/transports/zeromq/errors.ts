import { defineError } from '@aico/protocol';

/** The broker could not be reached in time. */
export class BusUnreachableError extends defineError({
  code: 'AICO_BUS_UNREACHABLE',
  hint: 'Does the backend run (aico status), with core.message_bus.broker.enabled? Else ask for a new credential: its endpoint may have changed.',
  make: (endpoint: string, timeoutMs: number, cause?: unknown) => ({
    message: `No broker answered at ${endpoint} within ${timeoutMs} ms`,
    cause,
    endpoint,
  }),
}) {}

/** The broker refused the connection: the key is not, or no longer, allowed, or is not this component's. */
export class BusRefusedError extends defineError({
  code: 'AICO_BUS_REFUSED',
  hint: 'Make a new credential with `aico bus grant`, or renew it with `aico bus grant --renew`.',
  make: (component: string, reason: string) => ({
    message: `The broker refuses "${component}": ${reason}`,
    component,
    /** The broker's own code for it. */
    reason,
  }),
}) {}

/** A component has no right to publish on a topic, or to subscribe to a pattern. */
export class BusDeniedError extends defineError({
  code: 'AICO_BUS_DENIED',
  hint: 'See what the component may do with `aico bus list`; give it more with `aico bus grant`.',
  make: (topic: string, reason: string) => ({ message: `The broker refuses "${topic}": ${reason}`, topic }),
}) {}

/** The connection went away before the broker had confirmed a message: it may have been delivered, or not. */
export class BusConnectionLostError extends defineError({
  code: 'AICO_BUS_CONNECTION_LOST',
  hint: 'It may have arrived: publish it again if a second one does no harm. The connection restores itself.',
  make: (topic: string) => ({
    message: `The connection to the broker broke before it had confirmed a message for "${topic}"`,
    topic,
  }),
}) {}

/** More was published than could be sent, or nothing could be sent for too long. */
export class BusCongestedError extends defineError({
  code: 'AICO_BUS_CONGESTED',
  hint: 'Await publish() before publishing more; it has not been delivered and may be published again.',
  make: (topic: string, reason: string) => ({
    message: `A message for "${topic}" was not sent: ${reason}`,
    topic,
  }),
}) {}

/** A message that is larger than the broker takes. */
export class MessageTooLargeError extends defineError({
  code: 'AICO_BUS_TOO_LARGE',
  hint: 'Store what is large elsewhere and publish where it is; or raise core.message_bus.broker.max_message_bytes.',
  make: (topic: string, bytes: number, limit: number) => ({
    message: `The message for "${topic}" has ${bytes} bytes, and ${limit} is the most the broker takes`,
    topic,
    bytes,
    limit,
  }),
}) {}

/** A file that is not a credential of the bus. */
export class BusCredentialError extends defineError({
  code: 'AICO_BUS_CREDENTIAL',
  hint: 'Make one with `aico bus grant NAME --publish … --subscribe … --out FILE`.',
  make: (file: string, reason: string, cause?: unknown) => ({
    message: `${file} is no credential of the bus: ${reason}`,
    cause,
    file,
  }),
}) {}

/** A peer sent a frame that the protocol does not know or that is malformed. */
export class BusProtocolError extends defineError({
  code: 'AICO_BUS_PROTOCOL',
  hint: 'Compare what it sends with docs/bus-protocol.md; do both sides run the same version?',
  make: (reason: string) => ({ message: `The other side broke the bus protocol: ${reason}` }),
}) {}
