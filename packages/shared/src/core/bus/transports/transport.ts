import type { Dispatcher } from '../delivery/dispatcher.ts';
import type { StoreConnection } from '../durable/remote/store-connection.ts';
import type { DurableStore } from '../durable/types.ts';
import type { Batch, BatchHeader, OpenBatch } from '../messages/batch.ts';

/** Takes messages into a queue; must not block, throw or run a handler. */
export interface Receiver {
  /** Whether publishers wait for room here. Then every message is delivered at once, as a batch of one. */
  readonly waits: boolean;
  /** How many messages it can take at once without dropping any, where it `waits` and has room. */
  readonly batch: number;
  /**
   * Takes a batch, which may be shared with other receivers. A promise, from one that `waits`, settles when there is room
   * for it, or rejects when there was none in time.
   */
  receive(batch: Batch): Promise<void> | undefined;
  /** Settles once nothing is queued and its handler is not running, where it has one. */
  whenIdle?(): Promise<void>;
}

/**
 * One client's connection to the other clients of the bus.
 *
 * The guarantees of every transport, which `transportSuite` tests:
 *
 * - *Order*: messages of one publisher on one topic arrive in the order of the `publish` calls.
 * - *Exactly once* per subscription, also when patterns overlap: each subscription is a receiver of its own. After a
 *   broken connection a message in flight may be lost or arrive once, never twice; its `publish` rejects
 *   unless it certainly arrived.
 * - *No slow joiner*: messages published after `subscribe` has resolved arrive.
 * - *Isolation*: no receiver's payload can be changed by the publisher or by another receiver. Where payloads are
 *   encoded, that and the content types are the business of codec.ts; in one process receivers share a frozen copy
 *   (see isolation.ts).
 * - *Failures are reported*: a message that cannot be sent rejects; nothing is dropped without being counted.
 * - *Reconnecting* is automatic: subscriptions are restored before anything is published again.
 * - *Topics beginning with `_`* belong to the bus (`_reply.…`, `_cancel.…`, `_durable.…`); a pattern that begins with a wildcard
 *   does not stand for them.
 */
export interface TransportConnection {
  /**
   * The prefix of the topics on which answers to this connection come; no other client may subscribe to it. Absent: the
   * client makes up one that cannot be guessed.
   */
  readonly replyPrefix?: string;
  /** Aborts when the connection breaks, for then what was asked is not answered; another one once it is there again. */
  readonly lost?: AbortSignal | undefined;
  /** The batch that is being gathered: the client that began it may add to it directly. */
  readonly gathering?: OpenBatch | undefined;
  /**
   * Takes the message to every subscription whose pattern stands for its topic, once each. Resolves once they
   * have it; `undefined` says that they have it already, or will before anything else that can be observed.
   *
   * @throws {TopicInvalidError} when the header's topic is not one
   * @throws {PayloadInvalidError} when the payload cannot travel
   */
  publish(header: BatchHeader, number: number, payload: unknown): Promise<void> | undefined;
  /**
   * In force when it resolves; ends when the returned function has. The payload a receiver is given cannot be
   * changed by any other code.
   *
   * @throws {TopicInvalidError} when `pattern` is not one
   */
  subscribe(pattern: string, receiver: Receiver): Promise<() => Promise<void>>;
  /** Ends every subscription made here. */
  close(): Promise<void>;
}

/** Carries messages between clients. Every implementation runs `transportSuite`. */
export interface Transport {
  readonly name: string;
  /** The store of durable messages at the other end, where there is one. */
  remoteStore?(line: StoreConnection): DurableStore;
  /** Delivers received messages; shared by all clients whose handlers share an event loop. */
  readonly dispatcher: Dispatcher;
  connect(source: string): Promise<TransportConnection>;
}
