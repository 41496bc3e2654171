import type { Duplex } from 'node:stream';
import { type MultiplexedStream, Multiplexer, SealedStream } from '@aico/protocol/carrier';
import type { CryptoSuite } from '@aico/protocol/channel';
import type { buildConnector } from 'undici';
import { channelUrl } from '../core/address.ts';
import { ChannelSet } from '../core/channel-set.ts';
import type { Credentials } from '../core/credentials.ts';
import { type Carrier, openSession } from '../core/handshake.ts';
import { type ChannelOptions, CONNECT_MS, SILENCE_MS } from '../core/options.ts';
import { BackendNotRunningError } from '../errors.ts';
import { cryptoSuite } from './suite.ts';
import { carrierOf, upgrade } from './upgrade.ts';

/** Milliseconds after which a channel without connections is ended. */
const IDLE_MS = 10_000;
/** Milliseconds that the backend has to answer the end of a channel before the connection is cut. */
const END_MS = 1_000;

/**
 * Sealed channels to one backend, as a connector of undici: for programs that use undici's own `Pool`, `request` or `stream`.
 * The connections of a pool share a channel; each is a stream of it.
 *
 * @example
 * ```ts
 * const channels = await Channels.open({ address: 'desk.local', credentials });
 * const pool = new Pool('http://aico.local', { connect: channels.connector, connections: 4 });
 * ```
 */
export class Channels {
  readonly connector: buildConnector.connector = (_options, done) => {
    this.#channels
      .connect((channel) => this.#connect(channel))
      .then(
        // A stream with every member of a socket that undici uses.
        (stream) => done(null, stream as never),
        (error: unknown) => done(error instanceof Error ? error : new Error(String(error)), null),
      );
  };
  readonly #suite: CryptoSuite;
  readonly #url: URL;
  readonly #credentials: Credentials;
  readonly #timeoutMs: number;
  readonly #silenceMs: number;
  readonly #channels: ChannelSet<Multiplexer>;
  readonly #idleTimers = new WeakMap<Multiplexer, NodeJS.Timeout>();

  private constructor(
    suite: CryptoSuite,
    { address, credentials, connectTimeoutMs = CONNECT_MS, silenceMs = SILENCE_MS }: ChannelOptions,
  ) {
    this.#suite = suite;
    this.#url = channelUrl(address);
    this.#credentials = credentials;
    this.#timeoutMs = connectTimeoutMs;
    this.#silenceMs = silenceMs;
    this.#channels = new ChannelSet({
      open: (closing) => this.#openChannel(closing),
      longestWaitMs: connectTimeoutMs,
    });
  }

  /** Opens a first channel, so that failures show here. Throws the errors of `connect`. */
  static async open(options: ChannelOptions): Promise<Channels> {
    const channels = new Channels(await cryptoSuite(), options);
    await channels.#channels.warm();
    return channels;
  }

  /**
   * Sends the end record on every channel, so that the backend knows that nothing was cut, and aborts a channel that is being
   * opened: its waiting requests fail with {@link ClientClosedError}. Call it before the pool is destroyed.
   */
  close(): void {
    this.#channels.close(endThenCut);
  }

  #openChannel(closing: AbortSignal): Promise<Multiplexer> {
    return onConnection(this.#timeoutMs, this.#url, closing, async (carrier, stream) => {
      const session = await openSession(carrier, this.#suite, this.#credentials);
      const sealed = new SealedStream(stream, session);
      return Multiplexer.open(sealed, { silenceMs: this.#silenceMs });
    });
  }

  #connect(channel: Multiplexer): MultiplexedStream {
    const connection = channel.stream();
    // Undici listens only while it uses the connection; a failure may come before or after.
    connection.on('error', () => {});
    connection.once('close', () => {
      if (channel.size === 0) this.#endWhenIdle(channel);
    });
    return connection;
  }

  /** Ends an idle channel soon: a new one costs little, and an idle one may break without notice. */
  #endWhenIdle(channel: Multiplexer): void {
    clearTimeout(this.#idleTimers.get(channel));
    const timer = setTimeout(() => {
      if (channel.size === 0) endThenCut(channel);
    }, IDLE_MS);
    timer.unref();
    this.#idleTimers.set(channel, timer);
  }
}

/** Sends the end record, and cuts the connection if the backend does not answer it and nothing is in flight. */
function endThenCut(channel: Multiplexer): void {
  channel.end();
  const timer = setTimeout(() => {
    if (channel.size === 0) channel.carrier.destroy();
  }, END_MS);
  timer.unref();
  channel.carrier.once('close', () => clearTimeout(timer));
}

/** Connects and passes the bytes to `use`, within a timeout and until `signal` is aborted. The connection is cut on failure. */
export async function onConnection<T>(
  ms: number,
  url: URL,
  signal: AbortSignal | undefined,
  doIt: (carrier: Carrier, stream: Duplex) => Promise<T>,
): Promise<T> {
  const late = AbortSignal.timeout(ms);
  const deadline = signal === undefined ? late : AbortSignal.any([late, signal]);
  let stream: Duplex | undefined;
  const cut = (): void => {
    stream?.destroy(new Error(`it took more than ${ms / 1_000} s`));
  };
  try {
    deadline.throwIfAborted();
    stream = await upgrade(url, deadline);
    // Between two reads of the handshake there is no other listener, and an error without a listener ends the process.
    stream.on('error', () => {});
    deadline.addEventListener('abort', cut, { once: true });
    if (deadline.aborted) cut();
    return await doIt(carrierOf(stream), stream);
  } catch (error) {
    stream?.destroy();
    if (signal?.aborted) throw signal.reason;
    throw late.aborted ? new BackendNotRunningError(url.host, error) : error;
  } finally {
    deadline.removeEventListener('abort', cut);
  }
}
