import { parsePattern } from '@aico/protocol';
import type { SchemaChecks } from '../topics/schema-checks.ts';
import type { Transport, TransportConnection } from '../transports/transport.ts';
import type { MessageHandler, SubscribeOptions, Subscription, Topic } from '../types.ts';
import { QueuedSubscription } from './subscription.ts';

export interface SubscriptionKind {
  /** Whether the client made the subscription for answers or cancellations, so that `subscriptions` does not list it. */
  readonly inner?: boolean;
  /** Called when the subscription ends. */
  readonly ended?: () => Promise<void>;
}

/** The subscriptions of one client. */
export class Subscriptions {
  readonly #checks: SchemaChecks;
  readonly #report: (error: Error) => void;
  readonly #shown = new Set<QueuedSubscription>();
  readonly #inner = new Set<QueuedSubscription>();
  #draining = false;

  constructor(checks: SchemaChecks, report: (error: Error) => void) {
    this.#checks = checks;
    this.#report = report;
  }

  /** The subscriptions made by the client's user. */
  get shown(): readonly Subscription[] {
    return [...this.#shown];
  }

  /**
   * @throws {TopicInvalidError}
   * @throws {BusOptionError}
   */
  async add(
    { transport, connection }: { readonly transport: Transport; readonly connection: TransportConnection },
    topic: string | Topic,
    handler: MessageHandler,
    options: SubscribeOptions,
    { inner = false, ended = async () => {} }: SubscriptionKind,
  ): Promise<Subscription> {
    const subscriptions = inner ? this.#inner : this.#shown;
    const pattern = typeof topic === 'string' ? topic : topic.name;
    const schema = typeof topic === 'string' ? undefined : topic.schema;
    parsePattern(pattern);
    let release = async (): Promise<void> => {};
    const subscription = new QueuedSubscription({
      pattern,
      handler,
      options,
      dispatcher: transport.dispatcher,
      check:
        schema === undefined
          ? undefined
          : (header, payload) => {
              if (header.checkedBy !== schema) this.#checks.check(header.topic, schema, payload);
            },
      report: this.#report,
      release: () => {
        if (!this.#draining) subscriptions.delete(subscription);
        return Promise.all([release(), ended()]).then(() => {});
      },
    });
    release = await connection.subscribe(pattern, subscription);
    subscriptions.add(subscription);
    return subscription;
  }

  /** Stops receiving, and resolves when all queued messages have been handled. Statistics remain available until `close`. */
  async drain(): Promise<void> {
    this.#draining = true;
    await Promise.all([...this.#shown].map((subscription) => subscription.stopReceiving()));
    await Promise.all([...this.#shown].map((subscription) => subscription.whenIdle()));
  }

  /** Ends all subscriptions and drops queued messages. */
  async close(): Promise<void> {
    await Promise.all([...this.#shown, ...this.#inner].map((subscription) => subscription.unsubscribe()));
    this.#shown.clear();
    this.#inner.clear();
  }
}
