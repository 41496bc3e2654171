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
import { WaitingPublishers } from './waiting-publishers.ts';

interface SubscriptionContext {
  readonly pattern: string;
  readonly handler: MessageHandler;
  readonly options: SubscribeOptions;
  readonly dispatcher: Dispatcher;
  /** Throws when a payload does not match the subscription's schema. */
  readonly check: ((header: BatchHeader, payload: unknown) => void) | undefined;
  readonly report: (error: Error) => void;
  /** Called once, when the subscription ends. */
  readonly release: () => Promise<void>;
}

/** A handler with its own queue. A handler that is slow or fails affects no other subscription. */
export class QueuedSubscription implements Subscription, Runnable, Receiver {
  readonly #context: SubscriptionContext;
  readonly #queue = new MessageQueue();
  readonly #policy: QueuePolicy;
  /** Only with `overflow: 'wait'`. */
  readonly #waiting: WaitingPublishers | undefined;
  #state: 'idle' | 'scheduled' | 'handling' | 'ended' = 'idle';
  /** The number of messages being handled: 0 or 1. */
  #handling = 0;
  #delivered = 0;
  #dropped = 0;
  #failed = 0;
  #released: Promise<void> | undefined;
  #idle: PromiseWithResolvers<void> | undefined;

  /** @throws {BusOptionError} when an option is out of range */
  constructor(context: SubscriptionContext) {
    this.#context = context;
    this.#policy = readQueuePolicy(context.options);
    if (this.#policy.overflow === 'wait')
      this.#waiting = new WaitingPublishers(context.pattern, this.#policy);
  }

  get pattern(): string {
    return this.#context.pattern;
  }

  get waits(): boolean {
    return this.#waiting !== undefined;
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
      queued: this.#queue.length + this.#handling,
    };
  }

  /** Queues the messages of `batch`; the dispatcher runs the handler later. */
  receive(batch: Batch): Promise<void> | undefined {
    if (this.#state === 'ended') return undefined;
    const queue = this.#queue;
    const before = queue.length;
    const count = batch.length;
    const { capacity, overflow } = this.#policy;
    const excess = before + count - capacity;
    let accepted = count;
    if (excess > 0) {
      this.#drop(excess);
      if (overflow !== 'drop-oldest') accepted = count - excess;
    }
    if (accepted > 0) queue.push(batch, accepted);
    if (overflow === 'drop-oldest' && excess > 0) queue.drop(excess);
    if (this.#state === 'scheduled') this.#context.dispatcher.backlog += queue.length - before;
    else if (this.#state === 'idle' && queue.length > 0) this.#schedule();
    return this.#waiting?.enter(queue.length, excess > 0);
  }

  run(budget: number): number {
    const queue = this.#queue;
    let done = 0;
    while (done < budget && this.#state === 'scheduled') {
      const { first } = queue;
      if (first === undefined) break;
      const { topic, traceparent } = first.batch.header;
      const left = budget - done;
      if (traceparent !== undefined) done += withTraceparent(traceparent, () => this.#handle(first, left));
      else if (isLogTopic(topic)) done += withLineDelivery(() => this.#handle(first, left));
      else done += this.#handle(first, left);
    }
    this.#waiting?.update(queue.length);
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
      this.#waiting?.update(0);
      this.#idle?.resolve();
    }
    return this.stopReceiving();
  }

  /** Accepts no new messages; the queued messages are still delivered. */
  stopReceiving(): Promise<void> {
    this.#released ??= this.#context.release();
    return this.#released;
  }

  /** Resolves when the queue is empty and the handler is not running. */
  whenIdle(): Promise<void> {
    this.#context.dispatcher.settle();
    if (this.#state === 'idle' || this.#state === 'ended') return Promise.resolve();
    this.#idle ??= Promise.withResolvers<void>();
    return this.#idle.promise;
  }

  /** Runs the handler on at most `budget` messages of one batch. It stops after a message whose handling is asynchronous or fails. */
  #handle(queued: QueuedBatch, budget: number): number {
    const { handler, check, dispatcher } = this.#context;
    const queue = this.#queue;
    const { batch } = queued;
    const { header } = batch;
    const { topic } = header;
    let done = 0;
    this.#handling = 1;
    try {
      while (done < budget && queued.at < queued.end && this.#state === 'scheduled') {
        const { at } = queued;
        // The message is removed first, so that it is not delivered again if it fails.
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
    this.#handling = 0;
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
      this.#handling = 0;
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

  /** Continues after the handler has finished: schedules the next message, or becomes idle. */
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
    // Reports only the 1st, 2nd, 4th, 8th, … drop, so that a flood of messages causes no flood of reports.
    for (let mark = nextPowerOfTwo(before + 1); mark <= this.#dropped; mark *= 2)
      this.#context.report(new MessagesDroppedError(this.pattern, mark));
  }
}

function nextPowerOfTwo(count: number): number {
  return 2 ** Math.ceil(Math.log2(count));
}

/** Checks at run time, since a handler whose type returns `void` may return any value. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
