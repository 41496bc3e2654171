import type { Duplex } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { AicoError } from '@aico/protocol';
import { SealedStream } from '@aico/protocol/carrier';
import { channelUrl } from '../core/address.ts';
import { type Client, clientOver } from '../core/client.ts';
import type { Credentials } from '../core/credentials.ts';
import { type Carrier, openSession, type PairOptions, pairOn } from '../core/handshake.ts';
import {
  BackendNotRunningError,
  ConnectionBrokenError,
  ReplyTimeoutError,
  TooManyChannelsError,
} from '../errors.ts';
import { fetchThrough } from './fetch-through.ts';
import { cryptoSuite } from './suite.ts';
import { carrierOf, upgrade } from './upgrade.ts';

export interface ConnectOptions {
  /** Where the backend listens: `desk.local`, `192.168.1.7:8771`, or `https://…` behind a proxy that ends TLS. */
  readonly address: string;
  /** What `pair` gave. */
  readonly credentials: Credentials;
  /** Milliseconds until a channel must be open. Default 10 000. */
  readonly connectTimeoutMs?: number;
  /** Milliseconds until an answer must have begun. Default 120 000. */
  readonly timeoutMs?: number;
}

export interface PairingOptions extends PairOptions {
  readonly address: string;
  /** Milliseconds until it must be done. Default 10 000. */
  readonly connectTimeoutMs?: number;
}

const CONNECT_MS = 10_000;

/**
 * Makes this device known to a backend, with a code that its owner has it show (`aico device pair`).
 *
 * @returns what `connect` needs: keep it where only this device's user can read it
 * @throws {PairingCodeInvalidError} for a code with a typing mistake
 * @throws {ChannelRefusedError} when no such code waits, or it was tried too often
 * @throws {BackendNotRunningError} when nobody answers at the address
 * @example const credentials = await pair({ address: 'desk.local', code: 'K7QF-2M9X-…', name: 'Phone' });
 */
export async function pair({
  address,
  connectTimeoutMs = CONNECT_MS,
  ...options
}: PairingOptions): Promise<Credentials> {
  const suite = await cryptoSuite();
  return within(connectTimeoutMs, channelUrl(address), async (carrier, stream) => {
    try {
      return await pairOn(carrier, suite, options);
    } finally {
      stream.end();
      stream.destroy();
    }
  });
}

/**
 * Reaches a backend on another machine, through sealed channels. A first one is opened before it resolves, so that what
 * is wrong shows here; more are opened as requests need them, and reused.
 *
 * @throws {BackendNotRunningError} when nobody answers at the address
 * @throws {ChannelRefusedError} when the backend does not know this device, or not any more
 * @throws {ChannelServerKeyChangedError} when somebody else answers there: a hard stop
 * @example
 * ```ts
 * await using aico = await connect({ address: 'desk.local', credentials });
 * const notes = await aico.json('/api/v1/notes');
 * for await (const { topic, data } of aico.subscribe('inbox.*')) console.log(topic, data);
 * ```
 */
export async function connect({
  address,
  credentials,
  connectTimeoutMs = CONNECT_MS,
  timeoutMs = 120_000,
}: ConnectOptions): Promise<Client> {
  const suite = await cryptoSuite();
  const url = channelUrl(address);
  const open = (): Promise<SealedStream> =>
    within(connectTimeoutMs, url, async (carrier, stream) => {
      const session = await openSession(carrier, suite, credentials);
      return new SealedStream(stream, session);
    });
  let first: SealedStream | undefined = await open();
  // Until a request takes it, nobody else hears that it broke.
  first.on('error', () => {});
  const connection = async (): Promise<SealedStream> => {
    const ready = first;
    first = undefined;
    if (ready !== undefined && !ready.destroyed && !ready.readableEnded) return ready;
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof TooManyChannelsError) || error.retryAfterSeconds * 1_000 > connectTimeoutMs)
        throw error;
      // A burst of requests has asked for more channels than the backend opens at once.
      await setTimeout(error.retryAfterSeconds * 1_000);
      return open();
    }
  };
  const parts = fetchThrough((_options, done) => {
    connection().then(
      (stream) => done(null, stream as never),
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error)), null),
    );
  }, timeoutMs);
  return clientOver({
    ...parts,
    explain: (error) => failureOf(error, timeoutMs),
    async close() {
      first?.destroy();
      await parts.close();
    },
  });
}

/** Connects and does something with the bytes, within a time; the connection of what failed is cut. */
async function within<T>(
  ms: number,
  url: URL,
  doIt: (carrier: Carrier, stream: Duplex) => Promise<T>,
): Promise<T> {
  const deadline = AbortSignal.timeout(ms);
  let stream: Duplex | undefined;
  const late = (): void => {
    stream?.destroy(new Error(`it took more than ${ms / 1_000} s`));
  };
  try {
    stream = await upgrade(url, deadline);
    deadline.addEventListener('abort', late, { once: true });
    return await doIt(carrierOf(stream), stream);
  } catch (error) {
    stream?.destroy();
    throw deadline.aborted ? new BackendNotRunningError(url.host, error) : error;
  } finally {
    deadline.removeEventListener('abort', late);
  }
}

/** Ours as it is, wherever `fetch` has hidden it; what remains is a connection that broke. */
function failureOf(error: unknown, timeoutMs: number): unknown {
  let last = error;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    last = cause;
    if (cause instanceof AicoError && !cause.code.startsWith('AICO_CHANNEL_TRUNCATED')) return cause;
    if ('code' in cause && cause.code === 'UND_ERR_HEADERS_TIMEOUT')
      return new ReplyTimeoutError(timeoutMs, error);
  }
  return last === error ? error : new ConnectionBrokenError(last);
}
