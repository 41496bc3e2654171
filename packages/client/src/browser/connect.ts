import { AicoError } from '@aico/protocol';
import { ChannelBusyError } from '@aico/protocol/channel';
import { nobleSuite } from '@aico/protocol/channel/noble';
import { channelUrl } from '../core/address.ts';
import type { paths } from '../core/api.ts';
import { CHANNEL_BREAKS } from '../core/breaks.ts';
import { type Client, clientOver } from '../core/client.ts';
import type { Credentials } from '../core/credentials.ts';
import { openSession, pairOn, preparePairing } from '../core/handshake.ts';
import { openPatiently } from '../core/open-patiently.ts';
import {
  ANSWER_MS,
  CONNECT_MS,
  type ConnectOptions,
  type PairingOptions,
  SILENCE_MS,
} from '../core/options.ts';
import {
  BackendNotRunningError,
  ConnectionBrokenError,
  ReplyTimeoutError,
  TooManyChannelsError,
} from '../errors.ts';
import { ConnectionPool } from './connection-pool.ts';
import { AnswerLate, exchange } from './exchange.ts';
import { requestParts } from './http1-request.ts';
import { MultiplexedChannel } from './multiplexed-channel.ts';
import { SealedBytes } from './sealed-bytes.ts';
import { WebSocketCarrier } from './web-socket-carrier.ts';

/** As `pair` for Node, over a WebSocket. */
export async function pair({
  address,
  connectTimeoutMs = CONNECT_MS,
  ...options
}: PairingOptions): Promise<Credentials> {
  const pairing = preparePairing(nobleSuite, options);
  return onCarrier(channelUrl(address), connectTimeoutMs, undefined, async (carrier) => {
    try {
      return await pairOn(carrier, pairing);
    } finally {
      carrier.close();
    }
  });
}

/** As `connect` for Node, over WebSockets, with JavaScript alone. Redirections are answers, and are not followed. */
export async function connect<Paths extends object = paths>({
  address,
  credentials,
  connectTimeoutMs = CONNECT_MS,
  timeoutMs = ANSWER_MS,
  silenceMs = SILENCE_MS,
}: ConnectOptions): Promise<Client<Paths>> {
  const url = channelUrl(address);
  const open = (closing: AbortSignal): Promise<MultiplexedChannel> =>
    onCarrier(url, connectTimeoutMs, closing, async (carrier) => {
      const session = await openSession(carrier, nobleSuite, credentials);
      return new MultiplexedChannel(new SealedBytes(carrier, session), silenceMs);
    });
  const connections = new ConnectionPool((closing) =>
    openPatiently(() => open(closing), connectTimeoutMs, closing),
  );
  await connections.warm();
  return clientOver<Paths>({
    async fetch(path, init) {
      const method = (init.method ?? 'GET').toUpperCase();
      const signal = init.signal ?? undefined;
      const parts = await requestParts(path, init, method);
      const connection = await connections.take(signal);
      const release = (isFree: boolean): void => connections.give(connection, isFree);
      return exchange(connection, parts, { method, signal, timeoutMs, release });
    },
    explain(error) {
      if (error instanceof AnswerLate) return new ReplyTimeoutError(timeoutMs, error);
      if (error instanceof ChannelBusyError) return new TooManyChannelsError(error.retryAfterSeconds);
      if (error instanceof AicoError && !CHANNEL_BREAKS.has(error.code)) return error;
      if (error instanceof TypeError && error.cause === undefined) return error;
      return new ConnectionBrokenError(error instanceof TypeError ? error.cause : error);
    },
    async close() {
      connections.close();
    },
  });
}

async function onCarrier<T>(
  url: URL,
  ms: number,
  signal: AbortSignal | undefined,
  doIt: (carrier: WebSocketCarrier) => Promise<T>,
): Promise<T> {
  const late = AbortSignal.timeout(ms);
  const deadline = signal === undefined ? late : AbortSignal.any([late, signal]);
  let carrier: WebSocketCarrier | undefined;
  const cut = (): void => carrier?.fail(new BackendNotRunningError(url.host, deadline.reason));
  try {
    deadline.throwIfAborted();
    carrier = await WebSocketCarrier.open(url, deadline);
    deadline.addEventListener('abort', cut, { once: true });
    if (deadline.aborted) cut();
    return await doIt(carrier);
  } catch (error) {
    carrier?.close();
    throw signal?.aborted ? signal.reason : error;
  } finally {
    deadline.removeEventListener('abort', cut);
  }
}
