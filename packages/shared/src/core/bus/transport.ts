import type { Dispatcher } from './dispatcher.ts';
import type { MessageHead } from './message.ts';

/** Takes messages into a queue; must not block, throw or run a handler. */
export interface Receiver {
  receive(head: MessageHead, sequence: number, payload: unknown): void;
}

/** One client's way to the others. */
export interface TransportConnection {
  /**
   * Takes the message to every subscription whose pattern stands for its topic, once each. Resolves once they
   * have it; `undefined` says that they have it already. Messages of one publisher on one topic arrive in the
   * order of these calls.
   *
   * @throws {TopicInvalidError} when the head's type is not a topic
   * @throws {PayloadInvalidError} when the payload cannot travel
   */
  publish(head: MessageHead, sequence: number, payload: unknown): Promise<void> | undefined;
  /**
   * In force when it resolves; ends when the returned function has. The payload a receiver is given cannot be
   * changed by anybody else.
   *
   * @throws {TopicInvalidError} when `pattern` is not one
   */
  subscribe(pattern: string, receiver: Receiver): Promise<() => Promise<void>>;
  /** Ends every subscription made here. */
  close(): Promise<void>;
}

/** What carries messages between clients. Every implementation runs `transportSuite`. */
export interface Transport {
  readonly name: string;
  /** Hands out what has arrived; one for all clients whose handlers share an event loop and a flood. */
  readonly dispatcher: Dispatcher;
  connect(source: string): Promise<TransportConnection>;
}
