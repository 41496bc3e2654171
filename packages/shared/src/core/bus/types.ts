import type { Static, TSchema } from 'typebox';

/** A message's attributes, named as in CloudEvents 1.0 (https://cloudevents.io). */
export interface Envelope<T = unknown> {
  readonly id: string;
  /** Who published it: a component's name. */
  readonly source: string;
  /** The topic it was published on. */
  readonly type: string;
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly datacontenttype: string;
  /** W3C trace context, when the publisher was traced. */
  readonly traceparent?: string;
  readonly data: T;
}

/** A topic whose payload has a schema: checked by the compiler at the sender, by the schema at the border. */
export interface Topic<S extends TSchema = TSchema> {
  readonly name: string;
  readonly schema: S;
}

export type MessageHandler<T = unknown> = (
  topic: string,
  message: T,
  envelope: Envelope<T>,
) => void | Promise<void>;

export interface PublishOptions {
  /** Defaults to a fresh UUID. */
  readonly id?: string;
  readonly traceparent?: string;
}

export interface SubscribeOptions {
  /** How many messages may wait for this subscription. Default 1 024. */
  readonly queueLimit?: number;
  /** What to do when the queue is full. Default `'drop-oldest'`. */
  readonly overflow?: 'drop-newest' | 'drop-oldest';
}

export interface SubscriptionStats {
  readonly delivered: number;
  readonly dropped: number;
  readonly failed: number;
  readonly queued: number;
}

export interface Subscription {
  readonly pattern: string;
  readonly stats: SubscriptionStats;
  /** No message is delivered after this resolves; what was queued is dropped. */
  unsubscribe(): Promise<void>;
}

/** What may be published on `T`: the schema's type for a typed topic, anything for a plain name. */
export type PayloadOf<T extends string | Topic> = T extends Topic<infer S> ? Static<S> : unknown;

/** The service `'message_bus'`. */
export interface MessageBus {
  /** Resolves once every matching subscription has the message in its queue. */
  publish<T extends string | Topic>(topic: T, message: PayloadOf<T>, options?: PublishOptions): Promise<void>;
  /** In force when it resolves: a message published afterwards is delivered. */
  subscribe<T extends string | Topic>(
    topic: T,
    handler: MessageHandler<PayloadOf<T>>,
    options?: SubscribeOptions,
  ): Promise<Subscription>;
  /** Finishes what is queued, then closes. */
  drain(): Promise<void>;
  close(): Promise<void>;
}
