export { DurableStreams, type DurableStreamsOptions } from './durable-streams.ts';
export {
  AcknowledgementRolledBackError,
  ConsumerStateError,
  ConsumerTakenError,
  DeadLetterUnknownError,
  DeliveryEndedError,
  StreamsStoppedError,
  StreamTransactionError,
} from './errors.ts';
export type { ConsumerFigures, DeadLetter, StreamFigures, StreamSummary } from './stream-inspection.ts';
export type { Retention } from './stream-retention.ts';
