import type { Duplex } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { type MultiplexedStream, Multiplexer, SealedStream } from '@aico/protocol/carrier';
import type { CryptoSuite } from '@aico/protocol/channel';
import type { buildConnector } from 'undici';
import { channelUrl } from '../core/address.ts';
import type { Credentials } from '../core/credentials.ts';
import { type Carrier, openSession } from '../core/handshake.ts';
import { type ChannelOptions, CONNECT_MS, CONNECTIONS_PER_CHANNEL } from '../core/options.ts';
import { BackendNotRunningError, TooManyChannelsError } from '../errors.ts';
import { cryptoSuite } from './suite.ts';
import { carrierOf, upgrade } from './upgrade.ts';

/** Milliseconds. */
const REST_MS = 10_000;

/**
 * Opens sealed channels to one backend, as undici wants its connections made: for those who use undici's own `Pool`,
 * `request` or `stream`. The connections of a pool share a channel: each is a stream of it.
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
  readonly #open = new Set<Multiplexer>();
  #opening: Promise<Multiplexer> | undefined;

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
    await channels.#openChannel();
    return channels;
  }

  /** Says the end on every channel, so that the backend knows that nothing was cut. To be called before the pool is destroyed. */
  close(): void {
    for (const channel of this.#open) channel.end();
  }

  async #connection(): Promise<MultiplexedStream> {
    for (;;) {
      const channel = this.#withRoom() ?? (await this.#opened());
      // Of those that waited for it, some may have taken its room.
      if (channel.isOpen && channel.size < CONNECTIONS_PER_CHANNEL) return this.#connect(channel);
    }
  }

  #withRoom(): Multiplexer | undefined {
    for (const channel of this.#open)
      if (channel.isOpen && channel.size < CONNECTIONS_PER_CHANNEL) return channel;
    return undefined;
  }

  /** One more channel, of which there is one in the making at most. */
  #opened(): Promise<Multiplexer> {
    this.#opening ??= this.#openPatiently().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #openPatiently(): Promise<Multiplexer> {
    try {
      return await this.#openChannel();
    } catch (error) {
      if (!(error instanceof TooManyChannelsError)) throw error;
      const waitMs = error.retryAfterSeconds * 1_000;
      if (waitMs > this.#timeoutMs) throw error;
      // Others at this address have opened more channels than the backend opens at once.
      await setTimeout(waitMs);
      return this.#openChannel();
    }
  }

  #openChannel(): Promise<Multiplexer> {
    return onConnection(this.#timeoutMs, this.#url, async (carrier, stream) => {
      const session = await openSession(carrier, this.#suite, this.#credentials);
      const sealed = new SealedStream(stream, session);
      const channel = Multiplexer.open(sealed);
      this.#open.add(channel);
      sealed.once('close', () => this.#open.delete(channel));
      return channel;
    });
  }

  #connect(channel: Multiplexer): MultiplexedStream {
    const connection = channel.stream();
    connection.once('close', () => {
      if (channel.size === 0) this.#restOf(channel);
    });
    return connection;
  }

  /** A channel that nobody uses is ended soon: it costs little to open, and one that was kept may have gone unnoticed. */
  #restOf(channel: Multiplexer): void {
    const timer = globalThis.setTimeout(() => {
      if (channel.size === 0) channel.end();
    }, REST_MS);
    timer.unref();
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
