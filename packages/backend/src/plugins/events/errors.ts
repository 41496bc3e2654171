import { defineError } from '@aico/protocol';

/** One device, or all together, follow as much as they may. */
export class TooManySubscriptionsError extends defineError({
  code: 'AICO_EVENTS_TOO_MANY',
  status: 429,
  hint: 'Close one, or follow several topics with one pattern.',
  make: (limit: number) => ({ message: `${limit} subscriptions are the most that may be open` }),
}) {}

/** What came over a WebSocket is nothing that can be asked for. */
export class SocketMessageError extends defineError({
  code: 'AICO_EVENTS_MESSAGE',
  status: 400,
  hint: 'Send JSON: { "op": "subscribe", "id": 1, "topic": "inbox.>" }, or op "unsubscribe", or "publish" with "data".',
  make: (reason: string, cause?: unknown) => ({ message: `the message is not understood: ${reason}`, cause }),
}) {}

/** A pattern that nobody may subscribe to from outside. */
export class TopicRefusedError extends defineError({
  code: 'AICO_EVENTS_TOPIC',
  status: 400,
  hint: 'A pattern such as inbox.message.* or inbox.>',
  make: (reason: string, cause?: unknown) => ({ message: reason, cause }),
}) {}
