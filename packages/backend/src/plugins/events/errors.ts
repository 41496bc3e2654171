import { AicoError } from '@aico/protocol';

/** One device, or all together, follow as much as they may. */
export class TooManySubscriptionsError extends AicoError {
  readonly statusCode = 429;

  constructor(limit: number) {
    super('AICO_EVENTS_TOO_MANY', `${limit} subscriptions are the most that may be open`, {
      hint: 'Close one, or follow several topics with one pattern.',
    });
  }
}

/** What came over a WebSocket is nothing that can be asked for. */
export class SocketMessageError extends AicoError {
  readonly statusCode = 400;

  constructor(reason: string, cause?: unknown) {
    super('AICO_EVENTS_MESSAGE', `the message is not understood: ${reason}`, {
      hint: 'Send JSON: { "op": "subscribe", "id": 1, "topic": "inbox.>" }, or op "unsubscribe", or "publish" with "data".',
      cause,
    });
  }
}

/** A pattern that nobody may subscribe to from outside. */
export class TopicRefusedError extends AicoError {
  readonly statusCode = 400;

  constructor(reason: string, cause?: unknown) {
    super('AICO_EVENTS_TOPIC', reason, { hint: 'A pattern such as inbox.message.* or inbox.>', cause });
  }
}
