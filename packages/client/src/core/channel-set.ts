import { ChannelClosedError } from '@aico/protocol/channel';
import { backoffDelay, sleep } from '@aico/protocol/timing';
import { ClientClosedError, TooManyChannelsError } from '../errors.ts';
import { CONNECTIONS_PER_CHANNEL } from './options.ts';

/** A channel that carries several connections. */
export interface SharedChannel {
  readonly isOpen: boolean;
  /** The number of its connections. */
  readonly size: number;
  /** Whether the backend has sent anything on any of its connections. */
  readonly hasServed: boolean;
}

/**
 * Delays while channels fail before they have served a request, so that a peer that ends each channel at once is not called in
 * a tight loop.
 */
const BACKOFF = { minDelayMs: 100, maxDelayMs: 5_000 };

interface ChannelSetOptions<Channel> {
  /** Opens a channel; stops when `closing` is aborted. */
  readonly open: (closing: AbortSignal) => Promise<Channel>;
  /** The longest delay in milliseconds that a busy backend may ask for; a longer one is an error. */
  readonly longestWaitMs: number;
}

/** The channels of one client. Another channel is opened when all are full; channels are opened one at a time. */
export class ChannelSet<Channel extends SharedChannel> {
  readonly #options: ChannelSetOptions<Channel>;
  readonly #closing = new AbortController();
  readonly #channels = new Set<Channel>();
  #opening: Promise<Channel> | undefined;
  /** The number of consecutive channels that ended without serving. */
  #failures = 0;

  constructor(options: ChannelSetOptions<Channel>) {
    this.#options = options;
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /**
   * Makes a connection in a channel that has room for another.
   *
   * @param connect called as soon as there is room
   * @throws {ClientClosedError}
   * @throws {ChannelClosedError} when a channel ended as soon as it was open
   */
  async connect<T>(connect: (channel: Channel) => T, signal?: AbortSignal): Promise<T> {
    for (;;) {
      signal?.throwIfAborted();
      if (this.isClosed) throw new ClientClosedError();
      const channel = this.#findRoom() ?? (await orAborted(this.#opened(), signal));
      // Immediate retries could continue endlessly.
      if (!channel.isOpen) throw new ChannelClosedError();
      // Other requests that waited for the same channel may have filled it.
      if (channel.size < CONNECTIONS_PER_CHANNEL) return connect(channel);
    }
  }

  /** Opens a channel if there is none, so that failures show before the first request. */
  async warm(): Promise<void> {
    await this.connect(() => undefined);
  }

  /** Opens no more channels, and ends each that is open. */
  close(end: (channel: Channel) => void): void {
    this.#closing.abort(new ClientClosedError());
    for (const channel of this.#channels) end(channel);
  }

  #findRoom(): Channel | undefined {
    for (const channel of this.#channels) {
      if (!channel.isOpen) this.#remove(channel);
      else if (channel.size < CONNECTIONS_PER_CHANNEL) return channel;
    }
    return undefined;
  }

  #remove(channel: Channel): void {
    this.#channels.delete(channel);
    this.#failures = channel.hasServed ? 0 : this.#failures + 1;
  }

  #opened(): Promise<Channel> {
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open(): Promise<Channel> {
    const { signal } = this.#closing;
    // The first failure may be accidental: a cut, or a backend that was restarted.
    if (this.#failures > 1) await sleep(backoffDelay(this.#failures - 1, BACKOFF), signal);
    const channel = await this.#openOnceMore(signal);
    this.#channels.add(channel);
    return channel;
  }

  /** If the backend is busy, waits as long as it asks and tries once more. */
  async #openOnceMore(signal: AbortSignal): Promise<Channel> {
    const { open, longestWaitMs } = this.#options;
    try {
      return await open(signal);
    } catch (error) {
      if (!(error instanceof TooManyChannelsError)) throw error;
      const waitMs = error.retryAfterSeconds * 1_000;
      if (waitMs > longestWaitMs) throw error;
      await sleep(waitMs, signal);
      return open(signal);
    }
  }
}

/** Settles as `promise` does, or rejects with the reason of `signal` if it is aborted first. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
    promise.catch(() => {});
  }
}
