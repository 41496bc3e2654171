import { AicoError } from '@aico/protocol';
import { nobleSuite } from '@aico/protocol/channel/noble';
import { channelUrl } from '../core/address.ts';
import type { paths } from '../core/api.ts';
import { CHANNEL_BREAKS } from '../core/breaks.ts';
import { type Client, clientOver } from '../core/client.ts';
import type { Credentials } from '../core/credentials.ts';
import { openSession, pairOn, preparePairing } from '../core/handshake.ts';
import { ANSWER_MS, CONNECT_MS, type ConnectOptions, type PairingOptions } from '../core/options.ts';
import { BackendNotRunningError, ConnectionBrokenError, ReplyTimeoutError } from '../errors.ts';
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
  return onCarrier(channelUrl(address), connectTimeoutMs, async (carrier) => {
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
}: ConnectOptions): Promise<Client<Paths>> {
  const url = channelUrl(address);
  const connections = new ConnectionPool(() =>
    onCarrier(
      url,
      connectTimeoutMs,
      async (carrier) =>
        new MultiplexedChannel(new SealedBytes(carrier, await openSession(carrier, nobleSuite, credentials))),
    ),
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
  doIt: (carrier: WebSocketCarrier) => Promise<T>,
): Promise<T> {
  const deadline = AbortSignal.timeout(ms);
  const carrier = await WebSocketCarrier.open(url, deadline);
  const late = (): void => carrier.fail(new BackendNotRunningError(url.host, deadline.reason));
  deadline.addEventListener('abort', late, { once: true });
  try {
    return await doIt(carrier);
  } catch (error) {
    carrier.close();
    throw error;
  } finally {
    deadline.removeEventListener('abort', late);
  }
}
