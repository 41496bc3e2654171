import type { Envelope } from '@aico/protocol';
import type { BusTransaction } from '../publish-options.ts';

export type { BusTransaction };

/** A durable message as the store keeps it. */
export interface StoredMessage {
  /** A second message with the same id and source is not stored. */
  readonly id: string;
  readonly topic: string;
  readonly source: string;
  readonly contentType: string;
  /** JSON as text, everything else as bytes. */
  readonly body: string | Uint8Array;
  readonly traceparent: string | undefined;
}

/** A delivery of a durable message to a consumer. */
export interface Delivery<T = unknown> extends Envelope<T> {
  /** The position of the message among all durable messages. */
  readonly number: number;
  /** 1 for the first delivery; higher after a failure, or after the process died while it handled the message. */
  readonly attempt: number;
  /** Aborts when the consumer is stopped. */
  readonly signal: AbortSignal;
  /**
   * Acknowledges the message within `tx`: it is acknowledged if and only if `tx` commits, so that an effect in the same
   * transaction happens exactly once, even if the process is killed. Without a call of `ack`, the message is acknowledged when
   * the handler resolves.
   *
   * @throws when the message has already been acknowledged; let the error roll the transaction back
   */
  ack(tx: BusTransaction): Promise<void>;
}

/** Handles one durable message. If it throws, the message is delivered again after an increasing delay. */
export type ConsumeHandler<T = unknown> = (
  topic: string,
  message: T,
  delivery: Delivery<T>,
) => void | Promise<void>;

/** Options of `consume`. */
export interface ConsumeOptions {
  /**
   * How many messages may be handled concurrently. With the default, 1, messages are delivered in order, except that later
   * messages overtake one that failed and waits for its next attempt.
   */
  readonly maxInFlight?: number;
  /** Deliveries after which a message becomes a dead letter. Default 8. */
  readonly maxAttempts?: number;
  /** The first message of a new consumer: the next one published, the oldest stored one, or a number. Default `'start'`. */
  readonly from?: 'now' | 'start' | number;
  /** The delay before the second delivery; it doubles each time, with jitter. Default 500 ms, at most 5 minutes. */
  readonly retryDelayMs?: number;
}

/** A running consumer. */
export interface Consumption {
  readonly consumer: string;
  /** Resolves when every message stored by now has been handled or waits for another attempt. */
  whenIdle(): Promise<void>;
  /** Takes no more messages, and resolves when the handlers have ended. Unacknowledged messages are delivered again later. */
  stop(): Promise<void>;
}

/** A store of durable messages. `@aico/shared/data` implements it, so that the bus does not depend on the database. */
export interface DurableStore {
  /** Stores a message; resolves once it is durable, or, with `tx`, once it is part of the transaction. */
  append(message: StoredMessage, tx: BusTransaction | undefined): Promise<void>;
  /** @throws when a consumer of this name is already running */
  consume(
    pattern: string,
    consumer: string,
    handler: (message: StoredMessage & { readonly timeMs: number }, delivery: DeliveryState) => Promise<void>,
    options: ConsumeOptions,
  ): Promise<Consumption>;
}

/** The properties of a delivery that the store sets. */
export type DeliveryState = Pick<Delivery, 'number' | 'attempt' | 'signal' | 'ack'>;
