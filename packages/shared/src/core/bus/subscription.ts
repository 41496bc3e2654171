import type { Dispatcher, Runnable } from './dispatcher.ts';
import { BusOptionError, HandlerFailedError, MessagesDroppedError } from './errors.ts';
import { Message, type MessageHead } from './message.ts';
import { MessageQueue } from './message-queue.ts';
import type { Receiver } from './transport.ts';
import type { MessageHandler, SubscribeOptions, Subscription, SubscriptionStats } from './types.ts';

const DEFAULT_QUEUE_LIMIT = 1_024;
const MAX_QUEUE_LIMIT = 1_048_576;

export interface SubscriptionContext {
  readonly pattern: string;
  readonly handler: MessageHandler;
  readonly options: SubscribeOptions;
  readonly dispatcher: Dispatcher;
  /** Refuses a message that does not fit what this subscriber expects. */
  readonly check: ((head: MessageHead, payload: unknown) => void) | undefined;
  readonly report: (error: Error) => void;
  /** Called once, when the subscription ends. */
  readonly release: () => Promise<void>;
}

/** One handler with its own queue: what it does to itself, by being slow or failing, it does to nobody else. */
export class QueuedSubscription implements Subscription, Runnable, Receiver {
  readonly #context: SubscriptionContext;
  readonly #queue = new MessageQueue();
  readonly #queueLimit: number;
  readonly #dropNewest: boolean;
  #state: 'idle' | 'scheduled' | 'handling' | 'ended' = 'idle';
  #inHand = 0;
  #delivered = 0;
  #dropped = 0;
  #failed = 0;
  #released: Promise<void> | undefined;
  #idle: PromiseWithResolvers<void> | undefined;

  /** @throws {BusOptionError} when `queueLimit` is no count between 1 and 1 048 576 */
  constructor(context: SubscriptionContext) {
    const { queueLimit = DEFAULT_QUEUE_LIMIT, overflow = 'drop-oldest' } = context.options;
    if (!Number.isInteger(queueLimit) || queueLimit < 1 || queueLimit > MAX_QUEUE_LIMIT)
      throw new BusOptionError('queueLimit', `must be a whole number from 1 to ${MAX_QUEUE_LIMIT}`);
    if (overflow !== 'drop-oldest' && overflow !== 'drop-newest')
      throw new BusOptionError('overflow', "must be 'drop-oldest' or 'drop-newest'");
    this.#context = context;
    this.#queueLimit = queueLimit;
    this.#dropNewest = overflow === 'drop-newest';
  }

  get pattern(): string {
    return this.#context.pattern;
  }

  get stats(): SubscriptionStats {
    return {
      delivered: this.#delivered,
      dropped: this.#dropped,
      failed: this.#failed,
      queued: this.#queue.length + this.#inHand,
    };
  }

  /** Queues a message. Never runs the handler. */
  receive(head: MessageHead, sequence: number, payload: unknown): void {
    if (this.#state === 'ended') return;
    const queue = this.#queue;
    if (queue.length >= this.#queueLimit) {
      this.#drop();
      if (this.#dropNewest) return;
      queue.advance();
      queue.push(head, sequence, payload);
      return;
    }
    queue.push(head, sequence, payload);
    if (this.#state === 'scheduled') this.#context.dispatcher.backlog += 1;
    else if (this.#state === 'idle') this.#schedule();
  }

  run(budget: number): number {
    const { handler, check, dispatcher } = this.#context;
    const queue = this.#queue;
    let done = 0;
    while (done < budget && this.#state === 'scheduled') {
      const { head, sequence, payload } = queue;
      if (head === undefined) break;
      queue.advance();
      dispatcher.backlog -= 1;
      done += 1;
      this.#inHand = 1;
      try {
        check?.(head, payload);
        const result = handler(head.type, payload, new Message(head, sequence, payload));
        if (result !== undefined && isThenable(result)) {
          this.#await(result, head.type);
          return done;
        }
        this.#delivered += 1;
      } catch (error) {
        this.#fail(head.type, error);
      }
      this.#inHand = 0;
    }
    if (this.#state !== 'scheduled') return done;
    if (queue.length > 0) dispatcher.schedule(this);
    else this.#rest();
    return done;
  }

  unsubscribe(): Promise<void> {
    if (this.#state !== 'ended') {
      if (this.#state === 'scheduled') this.#context.dispatcher.backlog -= this.#queue.length;
      this.#state = 'ended';
      this.#dropped += this.#queue.clear();
      this.#idle?.resolve();
    }
    return this.stopReceiving();
  }

  /** Takes nothing new; what is queued is still handed out. */
  stopReceiving(): Promise<void> {
    this.#released ??= this.#context.release();
    return this.#released;
  }

  /** Settles once nothing waits and nothing is in the handler's hands. */
  whenIdle(): Promise<void> {
    if (this.#state === 'idle' || this.#state === 'ended') return Promise.resolve();
    this.#idle ??= Promise.withResolvers<void>();
    return this.#idle.promise;
  }

  #schedule(): void {
    this.#state = 'scheduled';
    this.#context.dispatcher.backlog += this.#queue.length;
    this.#context.dispatcher.schedule(this);
  }

  #await(result: PromiseLike<unknown>, topic: string): void {
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

  /** What comes after a handler has finished: more, or rest. */
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

  #drop(): void {
    this.#dropped += 1;
    // At the 1st, 2nd, 4th, 8th, … so that a flood of messages does not become a flood of reports.
    if ((this.#dropped & (this.#dropped - 1)) === 0)
      this.#context.report(new MessagesDroppedError(this.pattern, this.#dropped));
  }
}

function isThenable(value: object): value is PromiseLike<unknown> {
  return 'then' in value && typeof value.then === 'function';
}
