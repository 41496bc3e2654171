import { TopicTrie } from '@aico/protocol';
import { Dispatcher } from './dispatcher.ts';
import { BusNotConnectedError, PayloadInvalidError } from './errors.ts';
import { Isolation } from './isolation.ts';
import type { Message } from './message.ts';
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
  readonly #receivers = new TopicTrie<{ readonly receive: Receiver }>();
  readonly #isolation = new Isolation();
  /** The topic published on last: bursts on one topic are the rule. */
  #lastTopic: string | undefined;
  #lastMatch: readonly { readonly receive: Receiver }[] = [];

  /** How many subscriptions there are. */
  get subscriptions(): number {
    return this.#receivers.size;
  }

  connect(source: string): Promise<TransportConnection> {
    return Promise.resolve(new InProcessConnection(this, source));
  }

  /** @internal */
  publish(message: Message): void {
    const topic = message.type;
    if (topic !== this.#lastTopic) {
      this.#lastMatch = this.#receivers.match(topic);
      this.#lastTopic = topic;
    }
    const receivers = this.#lastMatch;
    const isolated = this.#isolate(message);
    if (isolated === undefined) {
      for (const { receive } of receivers) receive(message);
    } else {
      const original = message.withData(isolated.data);
      for (const { receive } of receivers) receive(original.withData(structuredClone(isolated.data)));
    }
  }

  /** @internal */
  subscribe(pattern: string, receive: Receiver): () => void {
    const receiver = { receive };
    this.#receivers.add(pattern, receiver);
    this.#lastTopic = undefined;
    return () => {
      this.#receivers.remove(pattern, receiver);
      this.#lastTopic = undefined;
      this.#lastMatch = [];
      this.#isolation.forget();
    };
  }

  #isolate(message: Message): { readonly data: unknown } | undefined {
    try {
      return this.#isolation.isolate(message.data);
    } catch (error) {
      const reason = 'holds something that is not data, such as a function';
      throw new PayloadInvalidError(message.type, [{ path: '', message: reason }], error);
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

  publish(message: Message): undefined {
    if (this.#closed) throw new BusNotConnectedError(this.#source, 'closed');
    this.#hub.publish(message);
  }

  async subscribe(pattern: string, receive: Receiver): Promise<() => Promise<void>> {
    if (this.#closed) throw new BusNotConnectedError(this.#source, 'closed');
    const release = this.#hub.subscribe(pattern, receive);
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
