import { TopicTrie } from '@aico/protocol';
import { Isolation, UnshareablePayload } from '../messages/isolation.ts';
import type { MessageHead } from '../messages/message.ts';
import type { MessageRun } from '../messages/message-run.ts';
import { OpenRun } from '../messages/open-run.ts';
import type { Receiver } from '../transports/transport.ts';
import type { Dispatcher, Runnable } from './dispatcher.ts';

/** How many messages one run holds at most: bounds what a slow subscription keeps alive beyond its own queue. */
const RUN_LIMIT = 1_024;

/**
 * Brings messages to the receivers whose pattern stands for their topic, within one process. A burst is gathered
 * into a run first and fanned out when the dispatcher gets to it, so that a message costs its publisher one place
 * in an array. Whoever could tell the difference (a new subscription, a look at the counts) has it fanned out before.
 */
export class FanOut implements Runnable {
  readonly #dispatcher: Dispatcher;
  readonly #receivers = new TopicTrie<Receiver>();
  /** Apart, so that no wildcard of anybody's reaches the bus's own topics, such as answers. */
  readonly #reserved = new TopicTrie<Receiver>();
  readonly #isolation = new Isolation();
  #open: OpenRun | undefined;
  #scheduled = false;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
    dispatcher.onSettle(() => this.flush());
  }

  /** How many subscriptions there are. */
  get size(): number {
    return this.#receivers.size + this.#reserved.size;
  }

  /** The run that is being gathered. */
  get gathering(): OpenRun | undefined {
    return this.#open;
  }

  /** Who would be handed a message on `topic`. */
  receivers(topic: string): readonly Receiver[] {
    return this.#trieOf(topic).match(topic);
  }

  /**
   * @returns a promise when somebody has to be waited for
   * @throws {TopicInvalidError} @throws {PayloadInvalidError} @throws {DataBoundsError}
   */
  publish(head: MessageHead, sequence: number, payload: unknown): Promise<void> | undefined {
    const open = this.#open;
    if (open !== undefined && open.head === head && open.next === sequence && open.add(payload))
      return undefined;
    return this.#begin(head, sequence, payload);
  }

  /** Resolves nothing, waits for nothing: the receiver gets what is published from here on. */
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

  /** Brings what is gathered into the receivers' queues. */
  flush(): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    open.close();
    this.#dispatcher.gathered = 0;
    for (const receiver of open.receivers) void this.#give(receiver, open);
  }

  run(): number {
    this.#scheduled = false;
    this.flush();
    return 0;
  }

  #trieOf(topicOrPattern: string): TopicTrie<Receiver> {
    return topicOrPattern.startsWith('_') ? this.#reserved : this.#receivers;
  }

  #begin(head: MessageHead, sequence: number, payload: unknown): Promise<void> | undefined {
    const last = this.#open;
    const receivers = last?.head === head ? last.receivers : this.receivers(head.type);
    const taken = this.#isolation.take(head.type, payload);
    const copied = taken instanceof UnshareablePayload;
    const kept = copied ? taken.snapshot : taken;
    this.flush();
    if (receivers.length === 0) return undefined;
    const run = { head, sequence, payloads: [kept], copied };
    if (receivers.some(({ waits }) => waits)) return this.#deliver(run, receivers);
    const room = this.#dispatcher.room;
    // At the point where the publisher is to be held back, what waits must be known: no run grows beyond it.
    const share = room > 0 ? Math.max(1, Math.floor(room / receivers.length)) : RUN_LIMIT;
    const limit = copied ? 1 : Math.min(RUN_LIMIT, share);
    this.#open = new OpenRun(run, receivers, limit, this.#isolation, payload);
    this.#dispatcher.gathered = receivers.length;
    if (!this.#scheduled) {
      this.#scheduled = true;
      this.#dispatcher.schedule(this);
    }
    return undefined;
  }

  /** Everybody gets it now; who `waits` says when there is room. */
  #deliver(run: MessageRun, receivers: readonly Receiver[]): Promise<void> | undefined {
    const waiting: Promise<void>[] = [];
    for (const receiver of receivers) {
      const room = this.#give(receiver, run);
      if (room !== undefined) waiting.push(room);
    }
    if (waiting.length === 0) return undefined;
    const all = Promise.all(waiting).then(() => {});
    // A publisher that does not look must not be brought down by a subscriber that is full: the drop is counted there.
    all.catch(() => {});
    return all;
  }

  /** One receiver that fails keeps the message from no other. */
  #give(receiver: Receiver, run: MessageRun): Promise<void> | undefined {
    try {
      return receiver.receiveRun(run);
    } catch (error) {
      this.#dispatcher.report(error);
      return undefined;
    }
  }
}
