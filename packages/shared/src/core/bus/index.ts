export { defineTopic } from './define-topic.ts';
export {
  BusNotConnectedError,
  BusOptionError,
  HandlerFailedError,
  MessagesDroppedError,
  PayloadInvalidError,
  type PayloadIssue,
  RequestFailedError,
  RequestTimeoutError,
} from './errors.ts';
export { InProcessBus } from './in-process-bus.ts';
export type { MessageHead } from './message.ts';
export { MessageBusClient, type MessageBusClientOptions } from './message-bus-client.ts';
export type { Receiver, Transport, TransportConnection } from './transport.ts';
export type {
  Envelope,
  MessageBus,
  MessageHandler,
  PayloadOf,
  PublishOptions,
  RequestHandler,
  RequestOptions,
  SubscribeOptions,
  Subscription,
  SubscriptionStats,
  Topic,
} from './types.ts';
