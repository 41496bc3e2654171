import { type ChannelSet, orAborted } from '../core/channel-set.ts';
import { CONNECTIONS } from '../core/options.ts';
import { ClientClosedError } from '../errors.ts';
import type { ChannelConnection } from './channel-connection.ts';
import type { MultiplexedChannel } from './multiplexed-channel.ts';

/** Keeps idle connections for later requests, and queues requests while none is free. */
export class ConnectionPool {
  readonly #channels: ChannelSet<MultiplexedChannel>;
  readonly #free: ChannelConnection[] = [];
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(channels: ChannelSet<MultiplexedChannel>) {
    this.#channels = channels;
  }

  async take(signal: AbortSignal | undefined): Promise<ChannelConnection> {
    while (!this.#channels.isClosed && this.#taken >= CONNECTIONS) await this.#turn(signal);
    this.#taken += 1;
    try {
      signal?.throwIfAborted();
      return this.#kept() ?? (await this.#channels.connect((channel) => channel.connection(), signal));
    } catch (error) {
      this.#given();
      throw error;
    }
  }

  /** Returns a connection, which is closed unless it can be used again. */
  give(connection: ChannelConnection, isFree: boolean): void {
    if (isFree && connection.isOpen) this.#free.push(connection);
    else connection.close();
    this.#given();
  }

  close(): void {
    this.#channels.close((channel) => channel.close(new ClientClosedError()));
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** An idle connection that is still open: the backend ends those that are idle for long. */
  #kept(): ChannelConnection | undefined {
    for (let free = this.#free.pop(); free !== undefined; free = this.#free.pop())
      if (free.isOpen) return free;
    return undefined;
  }

  async #turn(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    try {
      await orAborted(promise, signal);
    } catch (error) {
      // Passes its turn to the next request, since a connection may have been assigned at the same moment.
      const index = this.#waiting.indexOf(resolve);
      if (index === -1) this.#waiting.shift()?.();
      else this.#waiting.splice(index, 1);
      throw error;
    }
  }

  #given(): void {
    this.#taken -= 1;
    this.#waiting.shift()?.();
  }
}
