import { ChannelClosedError } from '@aico/protocol/channel';
import { CONNECTIONS, CONNECTIONS_PER_CHANNEL } from '../core/options.ts';
import { ClientClosedError } from '../errors.ts';
import type { ChannelConnection } from './channel-connection.ts';
import type { MultiplexedChannel } from './multiplexed-channel.ts';

/** Connections that are open, the channels they travel in, and those who wait for one. */
export class ConnectionPool {
  readonly #open: (closing: AbortSignal) => Promise<MultiplexedChannel>;
  readonly #closing = new AbortController();
  readonly #channels = new Set<MultiplexedChannel>();
  #opening: Promise<MultiplexedChannel> | undefined;
  readonly #free: ChannelConnection[] = [];
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  /** @param open opens a channel, unless `closing` is aborted before */
  constructor(open: (closing: AbortSignal) => Promise<MultiplexedChannel>) {
    this.#open = open;
  }

  /** Opens a first channel, so that what is wrong shows before a request. */
  async warm(): Promise<void> {
    await this.#opened();
  }

  async take(signal: AbortSignal | undefined): Promise<ChannelConnection> {
    while (!this.#isClosed && this.#taken >= CONNECTIONS) await this.#turn(signal);
    this.#taken += 1;
    try {
      return await this.#connection(signal);
    } catch (error) {
      this.#given();
      throw error;
    }
  }

  /** Takes a connection back; one that may not be used again is closed. */
  give(connection: ChannelConnection, isFree: boolean): void {
    if (isFree && connection.isOpen) this.#free.push(connection);
    else connection.close();
    this.#given();
  }

  close(): void {
    this.#closing.abort(new ClientClosedError());
    for (const channel of this.#channels) channel.close(new ClientClosedError());
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async #connection(signal: AbortSignal | undefined): Promise<ChannelConnection> {
    for (;;) {
      signal?.throwIfAborted();
      if (this.#isClosed) throw new ClientClosedError();
      const free = this.#free.pop();
      if (free?.isOpen === true) return free;
      // The backend ends what has rested for long.
      if (free !== undefined) continue;
      const channel = this.#withRoom() ?? (await orAborted(this.#opened(), signal));
      // Opened, and over before it was used: to try again and again could go on for ever.
      if (!channel.isOpen) throw new ChannelClosedError();
      // Of those that waited for it, some may have taken its room.
      if (this.#hasRoom(channel)) return channel.connection();
    }
  }

  async #turn(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    try {
      await orAborted(promise, signal);
    } catch (error) {
      // Its turn is the next one's: it may have come in the same moment.
      const index = this.#waiting.indexOf(resolve);
      if (index === -1) this.#waiting.shift()?.();
      else this.#waiting.splice(index, 1);
      throw error;
    }
  }

  #withRoom(): MultiplexedChannel | undefined {
    for (const channel of this.#channels) if (this.#hasRoom(channel)) return channel;
    return undefined;
  }

  #hasRoom(channel: MultiplexedChannel): boolean {
    if (channel.isOpen) return channel.size < CONNECTIONS_PER_CHANNEL;
    this.#channels.delete(channel);
    return false;
  }

  /** One more channel, of which there is one in the making at most. */
  #opened(): Promise<MultiplexedChannel> {
    this.#opening ??= this.#openOne().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #openOne(): Promise<MultiplexedChannel> {
    const channel = await this.#open(this.#closing.signal);
    this.#channels.add(channel);
    if (this.#isClosed) channel.close(new ClientClosedError());
    return channel;
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  #given(): void {
    this.#taken -= 1;
    this.#waiting.shift()?.();
  }
}

/** What is asked for, or the reason it was given up for; then what comes of it is of no account. */
async function orAborted<T>(asked: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return asked;
  signal.throwIfAborted();
  const given = Promise.withResolvers<never>();
  const abort = (): void => given.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([asked, given.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
    asked.catch(() => {});
  }
}
