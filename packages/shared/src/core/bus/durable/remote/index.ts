export { DurableRefusedError, RemoteTransactionError } from './errors.ts';
export {
  CloseAsked,
  DURABLE_TOPICS,
  OpenAsked,
  PublishAsked,
  type PullAnswer,
  PullAsked,
  type PulledMessage,
  readBody,
  SettleAsked,
  writeBody,
} from './wire.ts';
