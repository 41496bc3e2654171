import type { Envelope } from '@aico/protocol';
import type { Static } from 'typebox';
import type { ConsumeHandler, ConsumeOptions, Consumption } from './durable/types.ts';
import type { ContentType, PublishOptions, RequestOptions, Topic } from './publish-options.ts';

export type { ContentType, Envelope, PublishOptions, RequestOptions, Topic };

/**
 * Takes one message. The next one waits until the returned promise settles. Messages are immutable: plain data is frozen,
 * everything else (bytes, dates, maps) is this subscription's own copy.
 *
 * The bus sets no deadline for a handler, since JavaScript cannot be interrupted. One that never finishes keeps its message
 * and at most `queueLimit` more: those beyond are dropped and counted, or under `'wait'` their publishers get an error.
 * No other subscription is affected, `stats` shows it, and `close()` does not wait for it.
 */
export type MessageHandler<T = unknown> = (
  topic: string,
  message: T,
  envelope: Envelope<T>,
) => void | Promise<void>;

/** A request as its responder sees it. */
export interface RequestEnvelope<T = unknown> extends Envelope<T> {
  /** Aborts when the answer is not awaited any more: the requester gave up, its deadline has passed, or this client is closed. */
  readonly signal: AbortSignal;
}

/** Answers one request with what it returns. The next one waits until then. */
export type RequestHandler<T = unknown> = (
  topic: string,
  message: T,
  envelope: RequestEnvelope<T>,
) => unknown;

/** The queue of a subscription. */
export interface SubscribeOptions {
  /** How many messages may wait for this subscription. Default 1 024. */
  readonly queueLimit?: number;
  /**
   * The policy of a full queue. Default `'drop-oldest'`. Under `'wait'` the publisher's promise settles when there is
   * room: a publisher that awaits it is no faster than this handler. As many messages again as `queueLimit` may
   * stand before a full queue; one more is dropped and counted, and its publisher told (`BusFullError`).
   */
  readonly overflow?: 'drop-newest' | 'drop-oldest' | 'wait';
  /**
   * Milliseconds a publisher waits for room under `'wait'`, until its promise rejects. Default 5 000. The message stays
   * queued. So a handler that awaits a publish to its own full subscription ends with an error, not in a deadlock.
   */
  readonly waitMs?: number;
}

/** The fate of every message that this subscription was sent: the four numbers add up to all of them. */
export interface SubscriptionStats {
  /** The handler took it and finished without an error. */
  readonly delivered: number;
  /** The queue was full, or it still waited when the subscription ended. */
  readonly dropped: number;
  /** The handler threw or rejected, or the message did not fit the subscription's schema. */
  readonly failed: number;
  /** Waits, or is being handled. */
  readonly queued: number;
}

/** A subscription that is in force. */
export interface Subscription {
  readonly pattern: string;
  readonly stats: SubscriptionStats;
  /** No message is delivered after this resolves; what was queued is dropped. */
  unsubscribe(): Promise<void>;
}

/** The payloads of `T`: the schema's type for a typed topic, anything for a plain name. */
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
  /**
   * Publishes a message that a responder is to answer, and resolves with the first answer. The caller checks the answer:
   * its type is unknown.
   */
  request<T extends string | Topic>(
    topic: T,
    message: PayloadOf<T>,
    options?: RequestOptions,
  ): Promise<unknown>;
  /**
   * Answers requests on a topic or pattern; what a handler throws tells the requester its code alone. A request given
   * up before its turn is not handled, and counts as failed.
   */
  respond<T extends string | Topic>(
    topic: T,
    handler: RequestHandler<PayloadOf<T>>,
    options?: SubscribeOptions,
  ): Promise<Subscription>;
  /**
   * Takes durable messages under the name of a consumer, each until it is acknowledged; also those published while no
   * consumer of that name ran. Delivers at least once; exactly once for an effect in the transaction that `ack` is given.
   */
  consume<T extends string | Topic>(
    topic: T,
    consumer: string,
    handler: ConsumeHandler<PayloadOf<T>>,
    options?: ConsumeOptions,
  ): Promise<Consumption>;
  /** Finishes what is queued, being answered or asked, then closes. `close()` cuts it short. */
  drain(): Promise<void>;
  close(): Promise<void>;
}
