import { MAX_TOPIC_LENGTH } from '@aico/protocol';
import { Dispatcher } from '../delivery/dispatcher.ts';
import { FanOut } from '../delivery/fan-out.ts';
import { BusNotConnectedError } from '../errors.ts';
import type { Batch, BatchHeader, OpenBatch } from '../messages/batch.ts';
import { CANCEL_PREFIX, isHidden } from '../topics/reserved-topics.ts';
import type { Receiver, Transport, TransportConnection } from './transport.ts';

/** A subscription of the hub. */
export interface HubSubscription {
  /** Resolves when the subscription is in force on every node that can be reached; `undefined` when it is. */
  readonly inForce: Promise<void> | undefined;
  /** Ends it here at once. The promise, if there is one, resolves when it has ended on every node that can be reached. */
  end(): Promise<void> | undefined;
}

/** Connects a hub to those of other nodes. */
export interface HubExtension {
  /** Called for each subscription of this node. The promise resolves when it is in force on the other nodes. */
  subscribed(pattern: string, receiver: Receiver): Promise<void> | undefined;
  /** Called when a subscription has ended. The promise resolves when it has ended on the other nodes. */
  unsubscribed(pattern: string, receiver: Receiver): Promise<void> | undefined;
}

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
  /** The subscriptions of this process, without those of other nodes. */
  readonly #subscriptions = new Set<{ readonly pattern: string; readonly receiver: Receiver }>();
  #extension: HubExtension | undefined;
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
  subscribe(pattern: string, receiver: Receiver): HubSubscription {
    const release = this.#fanOut.subscribe(pattern, receiver);
    const entry = { pattern, receiver };
    this.#subscriptions.add(entry);
    return {
      inForce: this.#extension?.subscribed(pattern, receiver),
      end: () => {
        if (!this.#subscriptions.delete(entry)) return undefined;
        release();
        return this.#extension?.unsubscribed(pattern, receiver);
      },
    };
  }

  /**
   * Connects this hub to other nodes. The extension learns of all subscriptions, those made before included. The returned
   * function ends this.
   *
   * @internal
   */
  extend(extension: HubExtension): () => void {
    this.#extension = extension;
    for (const { pattern, receiver } of this.#subscriptions) void extension.subscribed(pattern, receiver);
    return () => {
      if (this.#extension === extension) this.#extension = undefined;
    };
  }

  /** Subscribes for another node: other nodes do not learn of it. @internal */
  forward(pattern: string, receiver: Receiver): () => void {
    return this.#fanOut.subscribe(pattern, receiver);
  }

  /** Delivers a batch of another node to the receivers on `topic` that `accepts` selects; each gets its own. @internal */
  deliver(topic: string, accepts: (receiver: Receiver) => boolean, batch: () => Batch): void {
    this.#fanOut.deliver(topic, accepts, batch);
  }

  /**
   * Whether requests on `topic` are answered by a reachable responder: it has subscribed to their cancellations. `true` for a
   * topic about which this is not known.
   *
   * @internal
   */
  isAnswered(topic: string): boolean {
    const cancels = CANCEL_PREFIX + topic;
    if (isHidden(topic) || cancels.length > MAX_TOPIC_LENGTH) return true;
    return this.receivers(cancels).some(({ isReachable }) => isReachable !== false);
  }

  async connect(source: string): Promise<TransportConnection> {
    if (this.#closed) throw new BusNotConnectedError(source, 'closed');
    const connection: InProcessConnection = new InProcessConnection(this, this.#fanOut, source, () =>
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
  readonly #hub: InProcessBus;
  readonly #fanOut: FanOut;
  readonly #source: string;
  readonly #subscriptions = new Set<HubSubscription>();
  #closed = false;

  readonly #onClosed: () => void;

  constructor(hub: InProcessBus, fanOut: FanOut, source: string, onClosed: () => void) {
    this.#hub = hub;
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
    const subscription = this.#hub.subscribe(pattern, receiver);
    this.#subscriptions.add(subscription);
    if (subscription.inForce !== undefined) await subscription.inForce;
    return async () => {
      if (this.#subscriptions.delete(subscription)) await subscription.end();
    };
  }

  isAnswered(topic: string): boolean {
    return this.#hub.isAnswered(topic);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#onClosed();
    for (const subscription of this.#subscriptions) void subscription.end();
    this.#subscriptions.clear();
  }
}
