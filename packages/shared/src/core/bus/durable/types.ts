import type { Envelope } from '@aico/protocol';
import type { BusTransaction } from '../publish-options.ts';

export type { BusTransaction };

/** A message on its way into the store. */
export interface StoredMessage {
  /** Of two messages of one id and source the second is not stored. */
  readonly id: string;
  readonly topic: string;
  readonly source: string;
  readonly contentType: string;
  /** JSON as text, everything else as bytes. */
  readonly body: string | Uint8Array;
  readonly traceparent: string | undefined;
}

/** One message that is delivered to a consumer. */
export interface Delivery<T = unknown> extends Envelope<T> {
  /** Its place in the order of all durable messages. */
  readonly number: number;
  /** 1 for the first time; higher after a failure, or after the process died while it was handled. */
  readonly attempt: number;
  /** Aborts when the consumer is stopped. */
  readonly signal: AbortSignal;
  /**
   * Acknowledges within `tx`: the message counts as done exactly when `tx` commits, so that an effect in the same
   * transaction happens once, whatever is killed when. Without it the message is acknowledged when the handler resolves.
   *
   * @throws when it has been acknowledged already; let that roll the transaction back
   */
  ack(tx: BusTransaction): Promise<void>;
}

/** Takes one durable message. When it throws, the message is delivered again after a growing wait. */
export type ConsumeHandler<T = unknown> = (
  topic: string,
  message: T,
  delivery: Delivery<T>,
) => void | Promise<void>;

/** How durable messages are delivered to a consumer. */
export interface ConsumeOptions {
  /**
   * How many messages may be handled at once. Default 1: they come in order, except that one that failed waits for its
   * next attempt while those behind it go ahead.
   */
  readonly maxInFlight?: number;
  /** Deliveries after which a message becomes a dead letter. Default 8. */
  readonly maxAttempts?: number;
  /** Where a new consumer begins: at later messages, at the oldest stored one, or at a number. Default `'start'`. */
  readonly from?: 'now' | 'start' | number;
  /** The wait before the second delivery; it doubles each time, with jitter. Default 500 ms, at most 5 minutes. */
  readonly retryDelayMs?: number;
}

/** A consumer that runs. */
export interface Consumption {
  readonly consumer: string;
  /** Resolves when every message that is there now has been handled or waits for another try. */
  whenIdle(): Promise<void>;
  /** Takes no more, and resolves when the handlers have ended. What was not acknowledged comes again. */
  stop(): Promise<void>;
}

/** Keeps messages. Implemented where the database is; the bus only passes them on. */
export interface DurableStore {
  /** Stores a message; resolves once it is durable, or, with `tx`, once it is part of that. */
  append(message: StoredMessage, tx: BusTransaction | undefined): Promise<void>;
  /** @throws when a consumer of this name runs already */
  consume(
    pattern: string,
    consumer: string,
    handler: (message: StoredMessage & { readonly timeMs: number }, delivery: DeliveryState) => Promise<void>,
    options: ConsumeOptions,
  ): Promise<Consumption>;
}

/** The part of a delivery that the store knows. */
export type DeliveryState = Pick<Delivery, 'number' | 'attempt' | 'signal' | 'ack'>;
