import type { Envelope } from '@aico/protocol';
import type { Static } from 'typebox';
import type { ConsumeHandler, ConsumeOptions, Consumption } from './durable/types.ts';
import type { ContentType, PublishOptions, RequestOptions, Topic } from './publish-options.ts';

export type { ContentType, Envelope, PublishOptions, RequestOptions, Topic };

/**
 * Handles one message. The next message is delivered when the returned promise has settled. Messages are immutable: plain
 * data is frozen, and everything else (bytes, dates, maps) is a copy for this subscription.
 *
 * The bus sets no deadline for a handler, since JavaScript cannot be interrupted. While a handler does not finish, at most
 * `queueLimit` messages are queued; further messages are dropped and counted, or with `overflow: 'wait'` their publishers get
 * an error. Other subscriptions are not affected, `stats` shows the queue, and `close()` does not wait for the handler.
 */
export type MessageHandler<T = unknown> = (
  topic: string,
  message: T,
  envelope: Envelope<T>,
) => void | Promise<void>;

/** The envelope of a request that a responder receives. */
export interface RequestEnvelope<T = unknown> extends Envelope<T> {
  /** Aborts when the requester has cancelled the request, its deadline has passed, or the responder's client is closed. */
  readonly signal: AbortSignal;
}

/** Answers one request with its return value. The next request is delivered when the returned promise has settled. */
export type RequestHandler<T = unknown> = (
  topic: string,
  message: T,
  envelope: RequestEnvelope<T>,
) => unknown;

/** Options of `subscribe`: the queue of the subscription. */
export interface SubscribeOptions {
  /** The maximum number of queued messages. Default 1 024. */
  readonly queueLimit?: number;
  /**
   * The policy of a full queue. Default `'drop-oldest'`. With `'wait'` the publisher's promise settles when there is room, so
   * that a publisher which awaits it is no faster than this handler. Up to `queueLimit` further messages may wait for a full
   * queue; beyond that, a message is dropped and counted, and its publisher gets a `BusFullError`.
   */
  readonly overflow?: 'drop-newest' | 'drop-oldest' | 'wait';
  /**
   * Milliseconds that a publisher waits for room with `'wait'`, until its promise rejects. Default 5 000. The message remains
   * queued. Because of this limit, a handler that awaits a publish to its own full subscription gets an error instead of a
   * deadlock.
   */
  readonly waitMs?: number;
}

/** Counts of the messages sent to this subscription; the four numbers add up to all of them. */
export interface SubscriptionStats {
  /** Messages that the handler finished without an error. */
  readonly delivered: number;
  /** Messages for which the queue was full, or that were still queued when the subscription ended. */
  readonly dropped: number;
  /** Messages whose handler threw or rejected, or that did not match the subscription's schema. */
  readonly failed: number;
  /** Messages that are queued or being handled. */
  readonly queued: number;
}

/** An active subscription. */
export interface Subscription {
  readonly pattern: string;
  readonly stats: SubscriptionStats;
  /** Drops the queued messages; none is delivered after this resolves. */
  unsubscribe(): Promise<void>;
}

/** The payload type of `T`: the schema's type for a `Topic`, `unknown` for a plain name. */
export type PayloadOf<T extends string | Topic> = T extends Topic<infer S> ? Static<S> : unknown;

/** The service `'message_bus'`. */
export interface MessageBus {
  /** Publishes a message. Resolves once the message is in the queue of every matching subscription. */
  publish<T extends string | Topic>(topic: T, message: PayloadOf<T>, options?: PublishOptions): Promise<void>;
  /** Subscribes to a topic or pattern. Every message published after this resolves is delivered. */
  subscribe<T extends string | Topic>(
    topic: T,
    handler: MessageHandler<PayloadOf<T>>,
    options?: SubscribeOptions,
  ): Promise<Subscription>;
  /**
   * Publishes a request and resolves with the first answer. The answer is not checked: its type is `unknown`.
   */
  request<T extends string | Topic>(
    topic: T,
    message: PayloadOf<T>,
    options?: RequestOptions,
  ): Promise<unknown>;
  /**
   * Answers requests on a topic or pattern. Of an error that the handler throws, the requester receives only the code. A
   * request that is cancelled before it is handled counts as failed.
   */
  respond<T extends string | Topic>(
    topic: T,
    handler: RequestHandler<PayloadOf<T>>,
    options?: SubscribeOptions,
  ): Promise<Subscription>;
  /**
   * Consumes durable messages under a consumer's name, including those published while no consumer of that name was running.
   * Each message is delivered until it is acknowledged, thus at least once. An effect in the same transaction as `ack(tx)`
   * happens exactly once.
   */
  consume<T extends string | Topic>(
    topic: T,
    consumer: string,
    handler: ConsumeHandler<PayloadOf<T>>,
    options?: ConsumeOptions,
  ): Promise<Consumption>;
  /** Finishes queued messages and pending requests, then closes. `close()` ends the wait. */
  drain(): Promise<void>;
  close(): Promise<void>;
}
