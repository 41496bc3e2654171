/** `@aico/client`: connects to a backend on another machine through the sealed channel. */

export {
  ChannelHandshakeError,
  ChannelRefusedError,
  ChannelServerKeyChangedError,
  PairingCodeInvalidError,
} from '@aico/protocol/channel';
export type { paths } from './core/api.ts';
export type { ApiClient, Client } from './core/client.ts';
export type { Credentials } from './core/credentials.ts';
export type { PairOptions } from './core/handshake.ts';
export type { ChannelOptions, ConnectOptions, PairingOptions } from './core/options.ts';
export { ensureOk } from './core/reply.ts';
export type { BusEvent } from './core/stream-events.ts';
export type { SubscribeOptions } from './core/subscription.ts';
export {
  AddressInvalidError,
  BackendNotRunningError,
  ChannelNotServedError,
  ClientClosedError,
  ConnectionBrokenError,
  CredentialsInvalidError,
  ProblemError,
  ReplyTimeoutError,
  TooManyChannelsError,
  UnexpectedReplyError,
} from './errors.ts';
export { Channels } from './node/channels.ts';
export { connect, pair } from './node/connect.ts';
export type { NodeClient } from './node/node-client.ts';
export type { ForwardedRequest, ForwardedResponse } from './node/transport.ts';
