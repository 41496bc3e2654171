import { TopicTrie } from '@aico/protocol';
import { type Batch, type BatchHeader, ValueBatch } from '../messages/batch.ts';
import { Isolation, UnshareablePayload } from '../messages/isolation.ts';
import type { Receiver } from '../transports/transport.ts';
import type { Dispatcher, Runnable } from './dispatcher.ts';

/** The maximum length of a batch. It bounds the memory that a slow subscription retains beyond its own queue. */
const BATCH_LIMIT = 1_024;

/**
 * Delivers messages to the receivers with matching patterns, within one process. A burst of messages is gathered into a batch,
 * which the dispatcher fans out later, so that publishing one message appends one element to an array. Operations that could
 * observe the delay, such as a new subscription or a read of the statistics, fan out the batch first.
 */
export class FanOut implements Runnable {
  readonly #dispatcher: Dispatcher;
  readonly #receivers = new TopicTrie<Receiver>();
  /** The bus's own topics, such as those of answers, have a trie of their own, so that no leading wildcard matches them. */
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

  /** The number of subscriptions. */
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
   * @returns a promise when the publisher has to wait for a receiver
   * @throws {TopicInvalidError} @throws {PayloadInvalidError} @throws {DataBoundsError}
   */
  publish(header: BatchHeader, number: number, payload: unknown): Promise<void> | undefined {
    const open = this.#open;
    if (open?.header === header && open.next === number && open.add(payload) !== undefined) return undefined;
    return this.#begin(header, number, payload);
  }

  /** Takes effect immediately: the receiver gets every message that is published after this call. */
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

  /** Delivers a complete batch to the receivers on `topic` that `accepts` selects. `batch` returns one for each of them. */
  deliver(topic: string, accepts: (receiver: Receiver) => boolean, batch: () => Batch): void {
    this.flush();
    for (const receiver of this.receivers(topic))
      if (accepts(receiver)) void this.#deliverTo(receiver, batch());
  }

  /** Delivers the gathered batch to the receivers. */
  flush(): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    open.close();
    this.#dispatcher.gathered = 0;
    for (const receiver of this.#openReceivers) void this.#deliverTo(receiver, open);
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
    const isolated = this.#isolation.take(header.topic, payload);
    const isCopied = isolated instanceof UnshareablePayload;
    const first = isCopied ? isolated.snapshot : isolated;
    this.flush();
    if (receivers.length === 0) return undefined;
    if (receivers.some(({ waits }) => waits))
      return this.#deliver(new ValueBatch(header, number, [first], isCopied), receivers);
    const room = this.#dispatcher.room;
    // A batch does not grow beyond the room of the dispatcher, which decides from the queued messages when publishers wait.
    const share = room > 0 ? Math.max(1, Math.floor(room / receivers.length)) : BATCH_LIMIT;
    const limit = isCopied ? 1 : Math.min(BATCH_LIMIT, share);
    this.#open = new ValueBatch(header, number, [first], isCopied, limit, this.#isolation, payload);
    this.#openReceivers = receivers;
    this.#dispatcher.gathered = receivers.length;
    if (!this.#scheduled) {
      this.#scheduled = true;
      this.#dispatcher.schedule(this);
    }
    return undefined;
  }

  /** Delivers a batch immediately. The promise, if receivers apply back-pressure, settles when all of them have room. */
  #deliver(batch: Batch, receivers: readonly Receiver[]): Promise<void> | undefined {
    const waiting: Promise<void>[] = [];
    for (const receiver of receivers) {
      const room = this.#deliverTo(receiver, batch);
      if (room !== undefined) waiting.push(room);
    }
    if (waiting.length === 0) return undefined;
    const all = Promise.all(waiting).then(() => {});
    // A publisher that ignores the promise must not get an unhandled rejection; the subscription counts the drop.
    all.catch(() => {});
    return all;
  }

  /** Delivers to one receiver; an error in it does not keep the message from the others. */
  #deliverTo(receiver: Receiver, batch: Batch): Promise<void> | undefined {
    try {
      return receiver.receive(batch);
    } catch (error) {
      this.#dispatcher.report(error);
      return undefined;
    }
  }
}
