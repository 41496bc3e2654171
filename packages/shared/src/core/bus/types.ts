import type { Envelope } from '@aico/protocol';
import type { Static, TSchema } from 'typebox';
import type { BusTransaction, ConsumeHandler, ConsumeOptions, Consumption } from './durable/types.ts';
import type { ContentType } from './messages/codec.ts';

export type { ContentType, Envelope };

/** A topic whose payload has a schema: checked by the compiler at the sender, by the schema at the border. */
export interface Topic<S extends TSchema = TSchema> {
  readonly name: string;
  readonly schema: S;
}

/**
 * Takes one message. The next one waits until the returned promise settles. Messages are immutable: what plain
 * data they hold is frozen, everything else (bytes, dates, maps) is this subscription's own copy.
 */
export type MessageHandler<T = unknown> = (
  topic: string,
  message: T,
  envelope: Envelope<T>,
) => void | Promise<void>;

export interface PublishOptions {
  /** Defaults to a fresh UUID. */
  readonly id?: string;
  readonly traceparent?: string;
  /**
   * How it is written where it leaves the process. Default: bytes for a `Uint8Array`, otherwise JSON. MessagePack
   * also holds dates and bytes within data.
   */
  readonly contentType?: ContentType;
  /**
   * Keeps it until every consumer has acknowledged it; resolves once it is durable. Whoever has subscribed hears it as
   * well, after that.
   */
  readonly durable?: boolean;
  /** Publishes it with this transaction of the database: durable when that commits, and never if it does not. */
  readonly tx?: BusTransaction;
}

export interface RequestOptions {
  /** Milliseconds until it is given up. Default 5 000. */
  readonly timeoutMs?: number;
  /** Aborted: given up at once, with the signal's reason. */
  readonly signal?: AbortSignal;
  readonly traceparent?: string;
}

/** What a responder knows of a request. */
export interface RequestEnvelope<T = unknown> extends Envelope<T> {
  /** Aborts when whoever asked waits no more: it gave up, its deadline has passed, or this client is closed. */
  readonly signal: AbortSignal;
}

/** Answers one request with what it returns. The next one waits until then. */
export type RequestHandler<T = unknown> = (
  topic: string,
  message: T,
  envelope: RequestEnvelope<T>,
) => unknown;

export interface SubscribeOptions {
  /** How many messages may wait for this subscription. Default 1 024. */
  readonly queueLimit?: number;
  /**
   * What to do when the queue is full. Default `'drop-oldest'`. Under `'wait'` the publisher's promise settles when
   * there is room: whoever awaits it goes no faster than this handler. As many messages again as `queueLimit` may
   * stand before a full queue; one more is dropped and counted, and its publisher told (`BusFullError`).
   */
  readonly overflow?: 'drop-newest' | 'drop-oldest' | 'wait';
  /**
   * Milliseconds a publisher waits for room under `'wait'`, until its promise rejects. Default 5 000. The message stays
   * queued. So a handler that awaits a publish to its own full subscription ends with an error, not in a deadlock.
   */
  readonly waitMs?: number;
}

/** What became of every message this subscription was sent: the four numbers add up to all of them. */
export interface SubscriptionStats {
  /** The handler took it and finished without an error. */
  readonly delivered: number;
  /** The queue was full, or it still waited when the subscription ended. */
  readonly dropped: number;
  /** The handler threw or rejected, or the message did not fit the subscription's schema. */
  readonly failed: number;
  /** Waits, or is in the handler's hands. */
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
  /**
   * Publishes a message that somebody is to answer, and resolves with the first answer. What comes back is for the
   * caller to check: its type is unknown.
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
