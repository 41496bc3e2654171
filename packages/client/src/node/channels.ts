import type { Duplex } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { SealedStream } from '@aico/protocol/carrier';
import type { CryptoSuite } from '@aico/protocol/channel';
import type { buildConnector } from 'undici';
import { channelUrl } from '../core/address.ts';
import type { Credentials } from '../core/credentials.ts';
import { type Carrier, openSession } from '../core/handshake.ts';
import { type ChannelOptions, CONNECT_MS } from '../core/options.ts';
import { BackendNotRunningError, TooManyChannelsError } from '../errors.ts';
import { cryptoSuite } from './suite.ts';
import { carrierOf, upgrade } from './upgrade.ts';

/**
 * Opens sealed channels to one backend, as undici wants its connections made: for those who use undici's own `Pool`,
 * `request` or `stream`.
 *
 * @example
 * ```ts
 * const channels = await Channels.open({ address: 'desk.local', credentials });
 * const pool = new Pool('http://aico.local', { connect: channels.connector, connections: 4 });
 * ```
 */
export class Channels {
  readonly connector: buildConnector.connector = (_options, done) => {
    this.#connection().then(
      // A stream in the place of a socket: it has of one what undici uses.
      (stream) => done(null, stream as never),
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error)), null),
    );
  };
  readonly #suite: CryptoSuite;
  readonly #url: URL;
  readonly #credentials: Credentials;
  readonly #timeoutMs: number;
  readonly #opened = new Set<SealedStream>();
  /** Opened before anybody asked, and not taken yet. */
  #first: SealedStream | undefined;

  private constructor(
    suite: CryptoSuite,
    { address, credentials, connectTimeoutMs = CONNECT_MS }: ChannelOptions,
  ) {
    this.#suite = suite;
    this.#url = channelUrl(address);
    this.#credentials = credentials;
    this.#timeoutMs = connectTimeoutMs;
  }

  /** Opens a first channel, so that what is wrong shows here. Throws what `connect` throws. */
  static async open(options: ChannelOptions): Promise<Channels> {
    const channels = new Channels(await cryptoSuite(), options);
    channels.#first = await channels.#open();
    // Until a request takes it, nobody else hears that it broke.
    channels.#first.on('error', () => {});
    return channels;
  }

  /** Says the end on every channel, so that the backend knows that nothing was cut. To be called before the pool is destroyed. */
  close(): void {
    for (const stream of this.#opened) stream.end();
    this.#first?.destroy();
  }

  async #connection(): Promise<SealedStream> {
    const ready = this.#first;
    this.#first = undefined;
    if (ready !== undefined && !ready.destroyed && !ready.readableEnded) return ready;
    try {
      return await this.#open();
    } catch (error) {
      if (!(error instanceof TooManyChannelsError)) throw error;
      const waitMs = error.retryAfterSeconds * 1_000;
      if (waitMs > this.#timeoutMs) throw error;
      // A burst of requests has asked for more channels than the backend opens at once.
      await setTimeout(waitMs);
      return this.#open();
    }
  }

  #open(): Promise<SealedStream> {
    return onConnection(this.#timeoutMs, this.#url, async (carrier, stream) => {
      const session = await openSession(carrier, this.#suite, this.#credentials);
      const opened = new SealedStream(stream, session);
      this.#opened.add(opened);
      opened.once('close', () => this.#opened.delete(opened));
      return opened;
    });
  }
}

/** Connects and does something with the bytes, within a time; the connection of what failed is cut. */
export async function onConnection<T>(
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
