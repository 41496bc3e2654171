import { matchesTopic } from '@aico/protocol';
import { BusFullError, InProcessBus, type Receiver, type TransportConnection } from '@aico/shared/core/bus';
import { callerHere } from './maker.ts';

/** A subscription that is open on the bus of a test backend. */
interface OpenSubscription {
  readonly pattern: string;
  /** The line of code that made the subscription; absent for the backend itself. */
  readonly maker: string | undefined;
  readonly receiver: Receiver;
}

/** The bus of a test backend: it lists its subscriptions, and refuses messages if a test requests it. */
export class TestBus extends InProcessBus {
  readonly #open = new Set<OpenSubscription>();
  readonly #topics = new Map<string, Set<string>>();
  /** Messages that were published so far. */
  published = 0;
  /** The topics that are refused: a pattern. */
  refused: string | undefined;

  /** The topics that a publisher has published on. */
  topicsOf(source: string): ReadonlySet<string> {
    return this.#topics.get(source) ?? new Set();
  }

  get open(): readonly OpenSubscription[] {
    return [...this.#open];
  }

  override async connect(source: string): Promise<TransportConnection> {
    const connection = await super.connect(source);
    const own = new Set<OpenSubscription>();
    const forget = (subscription: OpenSubscription): void => {
      own.delete(subscription);
      this.#open.delete(subscription);
    };
    // Without `gathering`, so that no message passes by `publish`.
    return {
      publish: (header, number, payload) => {
        if (this.refused !== undefined && matchesTopic(this.refused, header.topic))
          throw new BusFullError(header.topic, 'refused', 0);
        this.published += 1;
        if (!this.topicsOf(header.source).has(header.topic))
          this.#topics.set(header.source, new Set([...this.topicsOf(header.source), header.topic]));
        return connection.publish(header, number, payload);
      },
      subscribe: async (pattern, receiver) => {
        const subscription: OpenSubscription = { pattern, maker: callerHere(), receiver };
        const release = await connection.subscribe(pattern, receiver);
        own.add(subscription);
        this.#open.add(subscription);
        return async () => {
          forget(subscription);
          await release();
        };
      },
      isAnswered: (topic) => connection.isAnswered(topic),
      close: async () => {
        for (const subscription of own) forget(subscription);
        await connection.close();
      },
    };
  }
}
