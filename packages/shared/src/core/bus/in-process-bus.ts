import { TopicTrie } from '@aico/protocol';
import { Dispatcher } from './dispatcher.ts';
import { BusNotConnectedError, PayloadInvalidError } from './errors.ts';
import { Isolation } from './isolation.ts';
import type { MessageHead } from './message.ts';
import type { Receiver, Transport, TransportConnection } from './transport.ts';

/**
 * Carries messages between clients of one process: no socket, no serialisation, and no copy where the payload is
 * plain data (see `Isolation`). Several clients share one hub, each under its own name.
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
  readonly #receivers = new TopicTrie<Receiver>();
  readonly #isolation = new Isolation();
  /** The topic published on last: bursts on one topic are the rule. */
  #lastTopic: string | undefined;
  #lastMatch: readonly Receiver[] = [];

  /** How many subscriptions there are. */
  get subscriptions(): number {
    return this.#receivers.size;
  }

  /** Who would be handed a message on `topic`. The array is shared: it is never changed. @internal */
  receivers(topic: string): readonly Receiver[] {
    return this.#receivers.match(topic);
  }

  connect(source: string): Promise<TransportConnection> {
    return Promise.resolve(new InProcessConnection(this, source));
  }

  /** @internal */
  publish(head: MessageHead, sequence: number, payload: unknown): void {
    const topic = head.type;
    if (topic !== this.#lastTopic) {
      this.#lastMatch = this.#receivers.match(topic);
      this.#lastTopic = topic;
    }
    const receivers = this.#lastMatch;
    const copy = this.#isolation.isShared(payload) ? undefined : this.#snapshot(topic, payload);
    if (copy === undefined) for (const receiver of receivers) receiver.receive(head, sequence, payload);
    else for (const receiver of receivers) receiver.receive(head, sequence, structuredClone(copy.payload));
  }

  /** @internal */
  subscribe(pattern: string, receiver: Receiver): () => void {
    this.#receivers.add(pattern, receiver);
    this.#lastTopic = undefined;
    return () => {
      this.#receivers.remove(pattern, receiver);
      this.#lastTopic = undefined;
      this.#lastMatch = [];
      this.#isolation.forget();
    };
  }

  /** The payload as it is at this moment, where it cannot be shared. */
  #snapshot(topic: string, payload: unknown): { readonly payload: unknown } {
    try {
      return { payload: structuredClone(payload) };
    } catch (error) {
      const reason = 'holds something that is not data, such as a function';
      throw new PayloadInvalidError(topic, [{ path: '', message: reason }], error);
    }
  }
}

class InProcessConnection implements TransportConnection {
  readonly #hub: InProcessBus;
  readonly #source: string;
  readonly #subscriptions = new Set<() => void>();
  #closed = false;

  constructor(hub: InProcessBus, source: string) {
    this.#hub = hub;
    this.#source = source;
  }

  publish(head: MessageHead, sequence: number, payload: unknown): undefined {
    if (this.#closed) throw new BusNotConnectedError(this.#source, 'closed');
    this.#hub.publish(head, sequence, payload);
  }

  async subscribe(pattern: string, receiver: Receiver): Promise<() => Promise<void>> {
    if (this.#closed) throw new BusNotConnectedError(this.#source, 'closed');
    const release = this.#hub.subscribe(pattern, receiver);
    this.#subscriptions.add(release);
    return async () => {
      if (this.#subscriptions.delete(release)) release();
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const release of this.#subscriptions) release();
    this.#subscriptions.clear();
  }
}
