import { AicoError } from '@aico/protocol';
import { nobleSuite } from '@aico/protocol/channel/noble';
import { channelUrl } from '../core/address.ts';
import type { paths } from '../core/api.ts';
import { type Client, clientOver } from '../core/client.ts';
import type { Credentials } from '../core/credentials.ts';
import { openSession, pairOn, preparePairing } from '../core/handshake.ts';
import { ANSWER_MS, CONNECT_MS, type ConnectOptions, type PairingOptions } from '../core/options.ts';
import { BackendNotRunningError, ConnectionBrokenError, ReplyTimeoutError } from '../errors.ts';
import { AnswerLate, exchange } from './exchange.ts';
import { requestParts } from './http1-request.ts';
import { SealedBytes } from './sealed-bytes.ts';
import { WebSocketCarrier } from './web-socket-carrier.ts';

/** Channels at once; a subscription takes one for as long as it lasts. */
const CHANNELS = 8;

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
  const channels = new ChannelPool(() =>
    onCarrier(
      url,
      connectTimeoutMs,
      async (carrier) => new SealedBytes(carrier, await openSession(carrier, nobleSuite, credentials)),
    ),
  );
  await channels.warm();
  return clientOver<Paths>({
    async fetch(path, init) {
      const method = (init.method ?? 'GET').toUpperCase();
      const signal = init.signal ?? undefined;
      const parts = await requestParts(path, init, method);
      const channel = await channels.take(signal);
      const release = (isFree: boolean): void => channels.give(channel, isFree);
      return exchange(channel, parts, { method, signal, timeoutMs, release });
    },
    explain(error) {
      if (error instanceof AnswerLate) return new ReplyTimeoutError(timeoutMs, error);
      if (error instanceof AicoError && error.code !== 'AICO_CHANNEL_TRUNCATED') return error;
      if (error instanceof TypeError && error.cause === undefined) return error;
      return new ConnectionBrokenError(error instanceof TypeError ? error.cause : error);
    },
    async close() {
      channels.close();
    },
  });
}

/** Channels that are open, and those who wait for one. */
class ChannelPool {
  readonly #open: () => Promise<SealedBytes>;
  readonly #free: SealedBytes[] = [];
  readonly #used = new Set<SealedBytes>();
  readonly #waiting: (() => void)[] = [];
  #count = 0;
  #closed = false;

  constructor(open: () => Promise<SealedBytes>) {
    this.#open = open;
  }

  /** Opens a first one, so that what is wrong shows before a request. */
  async warm(): Promise<void> {
    this.give(await this.take(undefined), true);
  }

  async take(signal: AbortSignal | undefined): Promise<SealedBytes> {
    for (;;) {
      signal?.throwIfAborted();
      if (this.#closed) throw new ConnectionBrokenError(new Error('the client was closed'));
      const free = this.#free.pop();
      if (free?.isOpen === true) {
        this.#used.add(free);
        return free;
      }
      if (free !== undefined) {
        this.#count -= 1;
        continue;
      }
      if (this.#count < CHANNELS) return this.#openOne();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  give(channel: SealedBytes, isFree: boolean): void {
    this.#used.delete(channel);
    if (isFree && !this.#closed) this.#free.push(channel);
    else this.#count -= 1;
    this.#waiting.shift()?.();
  }

  close(): void {
    this.#closed = true;
    for (const channel of this.#free.splice(0)) channel.close();
    for (const channel of this.#used)
      channel.fail(new ConnectionBrokenError(new Error('the client was closed')));
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async #openOne(): Promise<SealedBytes> {
    this.#count += 1;
    try {
      const channel = await this.#open();
      this.#used.add(channel);
      return channel;
    } catch (error) {
      this.#count -= 1;
      this.#waiting.shift()?.();
      throw error;
    }
  }
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
