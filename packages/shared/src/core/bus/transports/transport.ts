import type { Dispatcher } from '../delivery/dispatcher.ts';
import type { StoreConnection } from '../durable/remote/store-connection.ts';
import type { DurableStore } from '../durable/types.ts';
import type { Batch, BatchHeader, OpenBatch } from '../messages/batch.ts';

/** A queue that accepts messages. Its methods must not block, throw or run a handler. */
export interface Receiver {
  /** Whether publishers wait for room in the queue. Each message is then delivered immediately, as a batch of one. */
  readonly waits: boolean;
  /** If `waits`: the number of messages that the receiver accepts in one batch, while it has room, without dropping any. */
  readonly batch: number;
  /**
   * Queues a batch, which may be shared with other receivers. A receiver that `waits` may return a promise, which settles when
   * there is room for the batch and rejects when there was none in time.
   */
  receive(batch: Batch): Promise<void> | undefined;
  /** `false` while the receiver stands for another node that cannot be reached. */
  readonly isReachable?: boolean;
  /** Resolves when the queue is empty and the handler, if there is one, is not running. */
  whenIdle?(): Promise<void>;
}

/**
 * One client's connection to the other clients of the bus.
 *
 * The guarantees of every transport, which `transportSuite` tests:
 *
 * - *Order*: messages of one publisher on one topic arrive in the order of the `publish` calls.
 * - *Exactly once* per subscription, even if patterns overlap: each subscription is a separate receiver. When a connection
 *   breaks, a message in flight arrives at most once, and its `publish` rejects unless the arrival was confirmed.
 * - *No slow joiner*: messages published after `subscribe` has resolved arrive.
 * - *Isolation*: neither the publisher nor another receiver can change the payload that a receiver gets. A transport that
 *   encodes payloads uses codec.ts; within one process receivers share a frozen copy (isolation.ts).
 * - *A request that no responder answers* fails immediately.
 * - *Failures are reported*: `publish` rejects when a message cannot be sent, and every dropped message is counted.
 * - *Reconnecting* is automatic: subscriptions are restored before anything is published again.
 * - *Topics beginning with `_`* are used by the bus (`_reply.…`, `_cancel.…`, `_durable.…`); a pattern with a leading wildcard
 *   does not match them.
 */
export interface TransportConnection {
  /**
   * The prefix of the topics on which answers to this connection arrive; no other client may subscribe to them. Without it, the
   * client generates a prefix that cannot be guessed.
   */
  readonly replyPrefix?: string;
  /** The topic on which the log of a backend in another process takes the lines of this client. */
  readonly logTopic?: string;
  /** Aborts when the connection breaks, since pending requests will not be answered. A restored connection has a new signal. */
  readonly lost?: AbortSignal | undefined;
  /** The batch that is being gathered. The client that began it may add messages to it directly. */
  readonly gathering?: OpenBatch | undefined;
  /**
   * Delivers a message once to every subscription with a matching pattern. The promise resolves when all of them have queued it.
   * `undefined` means that they have, or that the message will be queued before any later operation can observe the queues.
   *
   * @throws {TopicInvalidError} when the header's topic is malformed
   * @throws {PayloadInvalidError} when the payload cannot be encoded or copied
   */
  publish(header: BatchHeader, number: number, payload: unknown): Promise<void> | undefined;
  /**
   * The subscription is in force when the promise resolves, and has ended when the returned function resolves.
   *
   * @throws {TopicInvalidError} when `pattern` is malformed
   */
  subscribe(pattern: string, receiver: Receiver): Promise<() => Promise<void>>;
  /**
   * Whether a responder answers requests on `topic`. `true` where this is not known: the other side of the transport then refuses the
   * request.
   */
  isAnswered(topic: string): boolean;
  /** Ends every subscription of this connection. */
  close(): Promise<void>;
}

/** Carries messages between clients. The tests of every implementation run `transportSuite`. */
export interface Transport {
  readonly name: string;
  /** The store of durable messages at the other end of the transport, if there is one. */
  remoteStore?(connection: StoreConnection): DurableStore;
  /** Schedules the handlers of all clients of this transport in this process. */
  readonly dispatcher: Dispatcher;
  connect(source: string): Promise<TransportConnection>;
}
