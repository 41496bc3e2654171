import { TopicTrie } from '@aico/protocol';
import { type Batch, type BatchHeader, ValueBatch } from '../messages/batch.ts';
import { Isolation, UnshareablePayload } from '../messages/isolation.ts';
import type { Receiver } from '../transports/transport.ts';
import type { Dispatcher, Runnable } from './dispatcher.ts';

/** How many messages one batch holds at most: bounds what a slow subscription keeps alive beyond its own queue. */
const BATCH_LIMIT = 1_024;

/**
 * Brings messages to the receivers whose pattern stands for their topic, within one process. A burst is gathered
 * into a batch first and fanned out when the dispatcher gets to it, so that a message costs its publisher one element of an
 * array. What could tell the difference (a new subscription, a look at the counts) has it fanned out before.
 */
export class FanOut implements Runnable {
  readonly #dispatcher: Dispatcher;
  readonly #receivers = new TopicTrie<Receiver>();
  /** Kept apart, so that no leading wildcard matches the bus's own topics, such as answers. */
  readonly #reserved = new TopicTrie<Receiver>();
  readonly #isolation = new Isolation();
  #open: ValueBatch | undefined;
  /** The receivers of the open batch. */
  #openReceivers: readonly Receiver[] = [];
  #scheduled = false;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
    dispatcher.onSettle(() => this.flush());
  }

  /** How many subscriptions there are. */
  get size(): number {
    return this.#receivers.size + this.#reserved.size;
  }

  /** The batch that is being gathered. */
  get gathering(): ValueBatch | undefined {
    return this.#open;
  }

  /** The receivers of a message on `topic`. */
  receivers(topic: string): readonly Receiver[] {
    return this.#trieOf(topic).match(topic);
  }

  /**
   * @returns a promise when a receiver has to be waited for
   * @throws {TopicInvalidError} @throws {PayloadInvalidError} @throws {DataBoundsError}
   */
  publish(header: BatchHeader, number: number, payload: unknown): Promise<void> | undefined {
    const open = this.#open;
    if (open?.header === header && open.next === number && open.add(payload) !== undefined) return undefined;
    return this.#begin(header, number, payload);
  }

  /** Takes effect at once: the receiver gets every message that is published from here on. */
  subscribe(pattern: string, receiver: Receiver): () => void {
    this.flush();
    const trie = this.#trieOf(pattern);
    trie.add(pattern, receiver);
    return () => {
      this.flush();
      trie.remove(pattern, receiver);
      this.#isolation.forget();
    };
  }

  /** Brings the gathered batch into the receivers' queues. */
  flush(): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    open.close();
    this.#dispatcher.gathered = 0;
    for (const receiver of this.#openReceivers) void this.#give(receiver, open);
  }

  run(): number {
    this.#scheduled = false;
    this.flush();
    return 0;
  }

  #trieOf(topicOrPattern: string): TopicTrie<Receiver> {
    return topicOrPattern.startsWith('_') ? this.#reserved : this.#receivers;
  }

  #begin(header: BatchHeader, number: number, payload: unknown): Promise<void> | undefined {
    const last = this.#open;
    const receivers = last?.header === header ? this.#openReceivers : this.receivers(header.topic);
    const taken = this.#isolation.take(header.topic, payload);
    const isCopied = taken instanceof UnshareablePayload;
    const kept = isCopied ? taken.snapshot : taken;
    this.flush();
    if (receivers.length === 0) return undefined;
    if (receivers.some(({ waits }) => waits))
      return this.#deliver(new ValueBatch(header, number, [kept], isCopied), receivers);
    const room = this.#dispatcher.room;
    // When the publisher is to be delayed, the queued size must be known, so a batch does not grow beyond the limit.
    const share = room > 0 ? Math.max(1, Math.floor(room / receivers.length)) : BATCH_LIMIT;
    const limit = isCopied ? 1 : Math.min(BATCH_LIMIT, share);
    this.#open = new ValueBatch(header, number, [kept], isCopied, limit, this.#isolation, payload);
    this.#openReceivers = receivers;
    this.#dispatcher.gathered = receivers.length;
    if (!this.#scheduled) {
      this.#scheduled = true;
      this.#dispatcher.schedule(this);
    }
    return undefined;
  }

  /** Delivers it now. A promise from receivers that `wait` settles when there is room. */
  #deliver(batch: Batch, receivers: readonly Receiver[]): Promise<void> | undefined {
    const waiting: Promise<void>[] = [];
    for (const receiver of receivers) {
      const room = this.#give(receiver, batch);
      if (room !== undefined) waiting.push(room);
    }
    if (waiting.length === 0) return undefined;
    const all = Promise.all(waiting).then(() => {});
    // A publisher that does not look must not be brought down by a subscriber that is full: the drop is counted there.
    all.catch(() => {});
    return all;
  }

  /** One receiver that fails keeps the message from no other. */
  #give(receiver: Receiver, batch: Batch): Promise<void> | undefined {
    try {
      return receiver.receive(batch);
    } catch (error) {
      this.#dispatcher.report(error);
      return undefined;
    }
  }
}
