import { nobleSuite } from '@aico/protocol/channel/noble';
import { channelUrl } from '../core/address.ts';
import type { paths } from '../core/api.ts';
import { Calls } from '../core/calls.ts';
import { ChannelSet } from '../core/channel-set.ts';
import { type Client, clientOver } from '../core/client.ts';
import type { Credentials } from '../core/credentials.ts';
import { failureOf } from '../core/failure.ts';
import { openSession, pairOn, preparePairing } from '../core/handshake.ts';
import { fetchOver } from '../core/http-fetch.ts';
import {
  ANSWER_MS,
  CONNECT_MS,
  type ConnectOptions,
  type PairingOptions,
  SILENCE_MS,
} from '../core/options.ts';
import { BackendNotRunningError } from '../errors.ts';
import { ConnectionPool } from './connection-pool.ts';
import { exchange } from './exchange.ts';
import { MultiplexedChannel } from './multiplexed-channel.ts';
import { SealedBytes } from './sealed-bytes.ts';
import { WebSocketCarrier } from './web-socket-carrier.ts';

/** Pairs over a WebSocket, as `pair` does in Node. */
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

/** Connects over WebSockets in plain JavaScript, as `connect` does in Node. */
export async function connect<Paths extends object = paths>({
  address,
  credentials,
  connectTimeoutMs = CONNECT_MS,
  timeoutMs = ANSWER_MS,
  silenceMs = SILENCE_MS,
}: ConnectOptions): Promise<Client<Paths>> {
  const url = channelUrl(address);
  const channels = new ChannelSet({
    open: (closing) =>
      onCarrier(url, connectTimeoutMs, closing, async (carrier) => {
        const session = await openSession(carrier, nobleSuite, credentials);
        return new MultiplexedChannel(new SealedBytes(carrier, session), silenceMs);
      }),
    longestWaitMs: connectTimeoutMs,
  });
  const connections = new ConnectionPool(channels);
  await channels.warm();
  return clientOver<Paths>({
    fetch: fetchOver(async (request) => {
      const connection = await connections.take(request.signal);
      const release = (isFree: boolean): void => connections.give(connection, isFree);
      return exchange(connection, request, { timeoutMs, release });
    }),
    calls: new Calls(failureOf),
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
