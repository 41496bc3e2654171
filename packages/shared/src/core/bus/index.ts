export type { MessageBusClientOptions } from './client-options.ts';
export { type ContentType, contentTypeOf, decodeBody, encodeBody, isContentType } from './codec.ts';
export { defineTopic } from './define-topic.ts';
export type {
  BusTransaction,
  ConsumeHandler,
  ConsumeOptions,
  Consumption,
  Delivery,
  DeliveryState,
  DurableStore,
  StoredMessage,
} from './durable.ts';
export {
  BusFullError,
  BusNotConnectedError,
  BusNotDurableError,
  BusOptionError,
  HandlerFailedError,
  MessagesDroppedError,
  PayloadInvalidError,
  type PayloadIssue,
  RequestFailedError,
  RequestGivenUpError,
  RequestTimeoutError,
} from './errors.ts';
export { reasonOf } from './failure-reason.ts';
export { InProcessBus } from './in-process-bus.ts';
export { isAttribute, type MessageHead } from './message.ts';
export { MessageBusClient } from './message-bus-client.ts';
export type { MessageRun } from './message-run.ts';
export { failure as failureAnswer, success as successAnswer } from './requests.ts';
export type { Receiver, Transport, TransportConnection } from './transport.ts';
export type {
  Envelope,
  MessageBus,
  MessageHandler,
  PayloadOf,
  PublishOptions,
  RequestEnvelope,
  RequestHandler,
  RequestOptions,
  SubscribeOptions,
  Subscription,
  SubscriptionStats,
  Topic,
} from './types.ts';
