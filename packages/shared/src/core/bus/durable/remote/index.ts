export { DurableRefusedError, RemoteTransactionError } from './errors.ts';
export {
  CloseRequest,
  DURABLE_TOPICS,
  OpenRequest,
  PublishRequest,
  type PullAnswer,
  type PulledMessage,
  PullRequest,
  readBody,
  SettleRequest,
  writeBody,
} from './wire.ts';
