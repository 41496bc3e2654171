export type { MessageBusClientOptions } from './client-options.ts';
export { reasonOf } from './durable/failure-reason.ts';
export type {
  BusTransaction,
  ConsumeHandler,
  ConsumeOptions,
  Consumption,
  Delivery,
  DeliveryState,
  DurableStore,
  StoredMessage,
} from './durable/types.ts';
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
export { MessageBusClient } from './message-bus-client.ts';
export { type ContentType, contentTypeOf, decodeBody, encodeBody, isContentType } from './messages/codec.ts';
export { isAttribute, type MessageHead } from './messages/message.ts';
export type { MessageRun } from './messages/message-run.ts';
export { failure as failureAnswer, success as successAnswer } from './requests/requester.ts';
export { defineTopic } from './topics/define-topic.ts';
export { InProcessBus } from './transports/in-process-bus.ts';
export type { Receiver, Transport, TransportConnection } from './transports/transport.ts';
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
