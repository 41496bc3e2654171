export { Dispatcher } from './delivery/dispatcher.ts';
export { storedReasonOf } from './durable/failure-reason.ts';
export { consumerNameFault } from './durable/rules.ts';
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
  BusAmbiguousError,
  BusFullError,
  BusNotConnectedError,
  BusNotDurableError,
  BusOptionError,
  BusTopicReservedError,
  HandlerFailedError,
  MessagesDroppedError,
  NoResponderError,
  PayloadInvalidError,
  type PayloadIssue,
  RequestFailedError,
  RequestGivenUpError,
  RequestTimeoutError,
} from './errors.ts';
export { type InstalledBus, installBus } from './installed-bus.ts';
export { MessageBusClient, type MessageBusClientOptions } from './message-bus-client.ts';
export { type Batch, type BatchHeader, ValueBatch } from './messages/batch.ts';
export { type ContentType, contentTypeOf, decodeBody, encodeBody, isContentType } from './messages/codec.ts';
export { attributeFault } from './messages/message.ts';
export { failure as failureAnswer, success as successAnswer } from './requests/requester.ts';
export { defineTopic } from './topics/define-topic.ts';
export {
  CANCEL_PREFIX,
  checkPublish,
  checkSubscribe,
  isHidden,
  isLogTopic,
  logTopic,
  REPLY_PREFIX,
  RESERVED_TOPICS,
  type ReservedTopics,
  type TopicOwner,
  whyNotPublish,
  whyNotSubscribe,
} from './topics/reserved-topics.ts';
export { type HubExtension, type HubSubscription, InProcessBus } from './transports/in-process-bus.ts';
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
