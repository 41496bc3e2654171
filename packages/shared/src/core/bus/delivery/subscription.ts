import { withLineDelivery, withTraceparent } from '../../tracing/index.ts';
import { HandlerFailedError, MessagesDroppedError } from '../errors.ts';
import type { Batch, BatchHeader } from '../messages/batch.ts';
import { Message } from '../messages/message.ts';
import { isLogTopic } from '../topics/reserved-topics.ts';
import type { Receiver } from '../transports/transport.ts';
import type { MessageHandler, SubscribeOptions, Subscription, SubscriptionStats } from '../types.ts';
import type { Dispatcher, Runnable } from './dispatcher.ts';
import { MessageQueue, type QueuedBatch } from './message-queue.ts';
import { type QueuePolicy, readQueuePolicy } from './queue-policy.ts';
import { RoomQueue } from './waiting-publishers.ts';

export interface SubscriptionContext {
  readonly pattern: string;
  readonly handler: MessageHandler;
  readonly options: SubscribeOptions;
  readonly dispatcher: Dispatcher;
  /** Refuses a message that does not fit what this subscriber expects. */
  readonly check: ((header: BatchHeader, payload: unknown) => void) | undefined;
  readonly report: (error: Error) => void;
  /** Called once, when the subscription ends. */
  readonly release: () => Promise<void>;
}

/** One handler with its own queue: a handler that is slow or fails affects no other subscription. */
export class QueuedSubscription implements Subscription, Runnable, Receiver {
  readonly #context: SubscriptionContext;
  readonly #queue = new MessageQueue();
  readonly #policy: QueuePolicy;
  /** Publishers that wait for room, under `'wait'`. */
  readonly #room: RoomQueue | undefined;
  #state: 'idle' | 'scheduled' | 'handling' | 'ended' = 'idle';
  #inHand = 0;
  #delivered = 0;
  #dropped = 0;
  #failed = 0;
  #released: Promise<void> | undefined;
  #idle: PromiseWithResolvers<void> | undefined;

  /** @throws {BusOptionError} when an option is out of range */
  constructor(context: SubscriptionContext) {
    this.#context = context;
    this.#policy = readQueuePolicy(context.options);
    if (this.#policy.overflow === 'wait') this.#room = new RoomQueue(context.pattern, this.#policy);
  }

  get pattern(): string {
    return this.#context.pattern;
  }

  get waits(): boolean {
    return this.#room !== undefined;
  }

  get batch(): number {
    return this.#policy.queueLimit;
  }

  get stats(): SubscriptionStats {
    this.#context.dispatcher.settle();
    return {
      delivered: this.#delivered,
      dropped: this.#dropped,
      failed: this.#failed,
      queued: this.#queue.length + this.#inHand,
    };
  }

  /** Queues messages. Never runs the handler. */
  receive(batch: Batch): Promise<void> | undefined {
    if (this.#state === 'ended') return undefined;
    const queue = this.#queue;
    const before = queue.length;
    const count = batch.length;
    const { capacity, overflow } = this.#policy;
    const excess = before + count - capacity;
    let taken = count;
    if (excess > 0) {
      this.#drop(excess);
      if (overflow !== 'drop-oldest') taken = count - excess;
    }
    if (taken > 0) queue.push(batch, taken);
    if (overflow === 'drop-oldest' && excess > 0) queue.drop(excess);
    if (this.#state === 'scheduled') this.#context.dispatcher.backlog += queue.length - before;
    else if (this.#state === 'idle' && queue.length > 0) this.#schedule();
    return this.#room?.enter(queue.length, excess > 0);
  }

  run(budget: number): number {
    const queue = this.#queue;
    let done = 0;
    while (done < budget && this.#state === 'scheduled') {
      const { first } = queue;
      if (first === undefined) break;
      const { topic, traceparent } = first.batch.header;
      const left = budget - done;
      if (traceparent !== undefined) done += withTraceparent(traceparent, () => this.#handOut(first, left));
      else if (isLogTopic(topic)) done += withLineDelivery(() => this.#handOut(first, left));
      else done += this.#handOut(first, left);
    }
    this.#room?.update(queue.length);
    if (this.#state !== 'scheduled') return done;
    if (queue.length > 0) this.#context.dispatcher.schedule(this);
    else this.#rest();
    return done;
  }

  unsubscribe(): Promise<void> {
    if (this.#state !== 'ended') {
      this.#context.dispatcher.settle();
      if (this.#state === 'scheduled') this.#context.dispatcher.backlog -= this.#queue.length;
      this.#state = 'ended';
      this.#dropped += this.#queue.clear();
      this.#room?.update(0);
      this.#idle?.resolve();
    }
    return this.stopReceiving();
  }

  /** Takes no new messages; queued ones are still delivered. */
  stopReceiving(): Promise<void> {
    this.#released ??= this.#context.release();
    return this.#released;
  }

  /** Settles once nothing is queued and the handler is not running. */
  whenIdle(): Promise<void> {
    this.#context.dispatcher.settle();
    if (this.#state === 'idle' || this.#state === 'ended') return Promise.resolve();
    this.#idle ??= Promise.withResolvers<void>();
    return this.#idle.promise;
  }

  /** Runs the handler on at most `budget` messages of one batch; stops at one that takes its time, or fails. */
  #handOut(queued: QueuedBatch, budget: number): number {
    const { handler, check, dispatcher } = this.#context;
    const queue = this.#queue;
    const { batch } = queued;
    const { header } = batch;
    const { topic } = header;
    let done = 0;
    this.#inHand = 1;
    try {
      while (done < budget && queued.at < queued.end && this.#state === 'scheduled') {
        const { at } = queued;
        // First of all: a message that fails from here on is not delivered again.
        queue.advance(queued);
        dispatcher.backlog -= 1;
        done += 1;
        const payload = batch.payload(at);
        if (check !== undefined) check(header, payload);
        const result = handler(topic, payload, new Message(header, batch.number(at), payload));
        if (isThenable(result)) {
          this.#await(Promise.resolve(result), topic);
          return done;
        }
        this.#delivered += 1;
      }
    } catch (error) {
      this.#fail(topic, error);
    }
    this.#inHand = 0;
    return done;
  }

  #schedule(): void {
    this.#state = 'scheduled';
    this.#context.dispatcher.backlog += this.#queue.length;
    this.#context.dispatcher.schedule(this);
  }

  #await(result: Promise<unknown>, topic: string): void {
    if (this.#state !== 'ended') {
      this.#context.dispatcher.backlog -= this.#queue.length;
      this.#state = 'handling';
    }
    const settled = (): void => {
      this.#inHand = 0;
      this.#rest();
    };
    result.then(
      () => {
        this.#delivered += 1;
        settled();
      },
      (error: unknown) => {
        this.#fail(topic, error);
        settled();
      },
    );
  }

  /** Continues after a handler has finished: with the next message, or idle. */
  #rest(): void {
    if (this.#state === 'ended') return;
    if (this.#queue.length > 0) {
      this.#schedule();
      return;
    }
    this.#state = 'idle';
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  #fail(topic: string, cause: unknown): void {
    this.#failed += 1;
    this.#context.report(new HandlerFailedError(this.pattern, topic, cause));
  }

  #drop(count: number): void {
    const before = this.#dropped;
    this.#dropped += count;
    // At the 1st, 2nd, 4th, 8th, … so that a flood of messages does not become a flood of reports.
    for (let mark = nextPowerOfTwo(before + 1); mark <= this.#dropped; mark *= 2)
      this.#context.report(new MessagesDroppedError(this.pattern, mark));
  }
}

function nextPowerOfTwo(count: number): number {
  return 2 ** Math.ceil(Math.log2(count));
}

/** A handler that is typed to return nothing may return anything. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
