import { Dispatcher } from '../delivery/dispatcher.ts';
import { FanOut } from '../delivery/fan-out.ts';
import { BusNotConnectedError } from '../errors.ts';
import type { BatchHeader, OpenBatch } from '../messages/batch.ts';
import type { Receiver, Transport, TransportConnection } from './transport.ts';

/**
 * Carries messages between clients in one process, without sockets or serialisation. Plain data is copied once for all
 * subscriptions (see `Isolation`). Several clients share one hub, each with its own source.
 *
 * @example
 * ```ts
 * const hub = new InProcessBus();
 * const inbox = new MessageBusClient({ source: 'inbox', transport: hub });
 * const search = new MessageBusClient({ source: 'search', transport: hub });
 * ```
 */
export class InProcessBus implements Transport {
  readonly name = 'in-process';
  readonly dispatcher = new Dispatcher();
  readonly #fanOut = new FanOut(this.dispatcher);
  readonly #connections = new Set<InProcessConnection>();
  #closed = false;

  /** The number of subscriptions. */
  get subscriptions(): number {
    return this.#fanOut.size;
  }

  /** The receivers of a message on `topic`. The array is shared and immutable. @internal */
  receivers(topic: string): readonly Receiver[] {
    return this.#fanOut.receivers(topic);
  }

  /** Used by the broker, which connects this hub to other processes. @internal */
  publish(header: BatchHeader, number: number, payload: unknown): Promise<void> | undefined {
    return this.#fanOut.publish(header, number, payload);
  }

  /** Used by the broker, which connects this hub to other processes. @internal */
  subscribe(pattern: string, receiver: Receiver): () => void {
    return this.#fanOut.subscribe(pattern, receiver);
  }

  async connect(source: string): Promise<TransportConnection> {
    if (this.#closed) throw new BusNotConnectedError(source, 'closed');
    const connection: InProcessConnection = new InProcessConnection(this.#fanOut, source, () =>
      this.#connections.delete(connection),
    );
    this.#connections.add(connection);
    return connection;
  }

  /** Closes every connection of this hub and refuses new ones. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#connections].map((connection) => connection.close()));
  }
}

class InProcessConnection implements TransportConnection {
  readonly #fanOut: FanOut;
  readonly #source: string;
  readonly #subscriptions = new Set<() => void>();
  #closed = false;

  readonly #onClosed: () => void;

  constructor(fanOut: FanOut, source: string, onClosed: () => void) {
    this.#fanOut = fanOut;
    this.#source = source;
    this.#onClosed = onClosed;
  }

  get gathering(): OpenBatch | undefined {
    return this.#fanOut.gathering;
  }

  publish(header: BatchHeader, number: number, payload: unknown): Promise<void> | undefined {
    if (this.#closed) throw new BusNotConnectedError(this.#source, 'closed');
    return this.#fanOut.publish(header, number, payload);
  }

  async subscribe(pattern: string, receiver: Receiver): Promise<() => Promise<void>> {
    if (this.#closed) throw new BusNotConnectedError(this.#source, 'closed');
    const release = this.#fanOut.subscribe(pattern, receiver);
    this.#subscriptions.add(release);
    return async () => {
      if (this.#subscriptions.delete(release)) release();
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#onClosed();
    for (const release of this.#subscriptions) release();
    this.#subscriptions.clear();
  }
}
