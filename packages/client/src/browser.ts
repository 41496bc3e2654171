/** `@aico/client` for browsers: the same interface over WebSockets, in plain JavaScript. */
export {
  ChannelHandshakeError,
  ChannelRefusedError,
  ChannelServerKeyChangedError,
  PairingCodeInvalidError,
} from '@aico/protocol/channel';
export { connect, pair } from './browser/connect.ts';
export type { paths } from './core/api.ts';
export type { ApiClient, Client } from './core/client.ts';
export type { Credentials } from './core/credentials.ts';
export type { PairOptions } from './core/handshake.ts';
export type { ConnectOptions, PairingOptions } from './core/options.ts';
export { ensureOk } from './core/reply.ts';
export type { BusEvent } from './core/stream-events.ts';
export type { SubscribeOptions } from './core/subscription.ts';
export {
  AddressInvalidError,
  BackendNotRunningError,
  ClientClosedError,
  ConnectionBrokenError,
  CredentialsInvalidError,
  ProblemError,
  ReplyTimeoutError,
  UnexpectedReplyError,
} from './errors.ts';
