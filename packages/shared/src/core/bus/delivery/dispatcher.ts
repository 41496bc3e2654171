import { AsyncLocalStorage } from 'node:async_hooks';

/** A consumer of messages that the dispatcher schedules. */
export interface Runnable {
  /** Handles at most `budget` messages and returns how many it handled. Must not throw. */
  run(budget: number): number;
}

/** The number of messages that are dispatched in one turn of the event loop. */
const TURN_BUDGET = 2_048;

/** The number of turns after which a waiting publisher is released even if the backlog has not shrunk. */
const MAX_TURNS = 16;

/** The number of messages that one subscription may handle before the next subscription runs. */
const SLICE = 128;

/**
 * Schedules handlers off the publisher's stack. They run in the next microtask, so that a publisher that awaits each publish is
 * never ahead of synchronous handlers. They run in fair slices with a budget for each turn of the event loop, so that handlers
 * that publish to each other endlessly block neither timers nor sockets.
 */
export class Dispatcher {
  /** Queued messages that can be handled at once. The subscriptions update this number. */
  backlog = 0;
  /** The minimum number of messages that have been gathered in a batch and not been queued yet. */
  gathered = 0;
  /** Handlers run in this context and not in the publisher's, which has its database transaction and its trace. */
  readonly #inOwnContext = AsyncLocalStorage.snapshot();
  #ready: Runnable[] = [];
  #budget = TURN_BUDGET;
  #scheduled = false;
  #renewing = false;
  #turns = 0;
  #relief: PromiseWithResolvers<void> | undefined;
  #settle: () => void = () => {};

  /** Sets the function that moves gathered messages into the queues. */
  onSettle(settle: () => void): void {
    this.#settle = settle;
  }

  /** Moves gathered messages into the queues, so that the counts of the queues are exact. */
  settle(): void {
    this.#settle();
  }

  /** The number of messages that may still be queued before publishers have to wait. */
  get room(): number {
    return this.#budget - this.backlog;
  }

  schedule(runnable: Runnable): void {
    this.#ready.push(runnable);
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (this.#budget > 0) queueMicrotask(this.#begin);
  }

  /**
   * A promise that settles when the backlog fits into one turn again, or after `MAX_TURNS` turns; `undefined` while it fits. A
   * publisher that awaits it publishes no faster than messages are handled, and lets the event loop turn.
   */
  get relief(): Promise<void> | undefined {
    if (this.backlog + this.gathered <= this.#budget) return undefined;
    this.#relief ??= Promise.withResolvers<void>();
    this.#renew();
    return this.#relief.promise;
  }

  readonly #begin = (): void => this.#inOwnContext(this.#drain);

  readonly #drain = (): void => {
    while (this.#budget > 0 && this.#ready.length > 0) {
      const round = this.#ready;
      this.#ready = [];
      for (const [index, runnable] of round.entries()) {
        if (this.#budget <= 0) {
          this.#ready = [...round.slice(index), ...this.#ready];
          break;
        }
        this.#budget -= this.#run(runnable);
      }
    }
    this.#scheduled = this.#ready.length > 0;
    // Only after half of the budget is spent, so that a quiet bus schedules nothing on the event loop.
    if (this.#budget < TURN_BUDGET / 2) this.#renew();
  };

  /** Reports an error that was thrown outside a handler. */
  report(error: unknown): void {
    process.emitWarning(error instanceof Error ? error : String(error));
  }

  /** Runs one subscription; an error in it does not keep the others from running. */
  #run(runnable: Runnable): number {
    const budget = Math.min(SLICE, this.#budget);
    try {
      return runnable.run(budget);
    } catch (error) {
      this.report(error);
      return budget;
    }
  }

  #renew(): void {
    if (this.#renewing) return;
    this.#renewing = true;
    setImmediate(() => {
      this.#renewing = false;
      this.#budget = TURN_BUDGET;
      this.#begin();
      if (this.#relief === undefined) return;
      this.#turns += 1;
      if (this.backlog > this.#budget && this.#turns < MAX_TURNS) {
        this.#renew();
        return;
      }
      this.#turns = 0;
      this.#relief.resolve();
      this.#relief = undefined;
    });
  }
}
