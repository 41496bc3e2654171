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
