import { defineError } from '@aico/protocol';

/** The limit of open subscriptions is reached, for this device or in all. */
export class TooManySubscriptionsError extends defineError({
  code: 'AICO_EVENTS_TOO_MANY',
  status: 429,
  hint: 'Close a subscription, or use one pattern for several topics.',
  make: (limit: number) => ({ message: `at most ${limit} subscriptions may be open` }),
}) {}

/** A message on a WebSocket is invalid. */
export class SocketMessageError extends defineError({
  code: 'AICO_EVENTS_MESSAGE',
  status: 400,
  hint: 'Send JSON: { "op": "subscribe", "id": 1, "topic": "inbox.>" }, or op "unsubscribe", or "publish" with "data".',
  make: (reason: string, cause?: unknown) => ({ message: `the message is not understood: ${reason}`, cause }),
}) {}

/** The pattern may not be subscribed to over the API. */
export class TopicRefusedError extends defineError({
  code: 'AICO_EVENTS_TOPIC',
  status: 400,
  hint: 'Use a pattern such as inbox.message.* or inbox.>',
  make: (reason: string, cause?: unknown) => ({ message: reason, cause }),
}) {}
