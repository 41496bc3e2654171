export { DurableStreams, type DurableStreamsOptions, type Retention } from './durable-streams.ts';
export {
  AcknowledgementRolledBackError,
  ConsumerStateError,
  ConsumerTakenError,
  DeliveryEndedError,
  StreamTransactionError,
} from './errors.ts';
export type { ConsumerFigures, DeadLetter, StreamFigures } from './stream-inspection.ts';
