import { AsyncLocalStorage } from 'node:async_hooks';

/** Work that waits for its turn: does at most `budget` pieces of it and returns how many it did. Must not throw. */
export interface Runnable {
  run(budget: number): number;
}

/** How many messages are handed out before the event loop gets a turn. */
const TURN_BUDGET = 2_048;

/** How many turns a publisher is kept waiting at most, should the backlog never become less. */
const MAX_TURNS = 16;

/** How many messages one subscription may take before the next one's turn. */
const SLICE = 128;

/**
 * Hands out messages off the publisher's stack: in the microtask after it, so that a publisher that awaits each
 * publish is never ahead of handlers that answer at once; and in fair slices with a budget for each turn of the
 * event loop, so that handlers which publish to each other without end hold up neither timers nor sockets.
 */
export class Dispatcher {
  /** Messages that wait for nothing but their turn. The subscriptions keep it. */
  backlog = 0;
  /** Messages that are gathered and not queued yet, at least. */
  gathered = 0;
  /** The asynchronous context of handlers: not the publisher's, with its database transaction or its trace. */
  readonly #inOwnContext = AsyncLocalStorage.snapshot();
  #ready: Runnable[] = [];
  #budget = TURN_BUDGET;
  #scheduled = false;
  #renewing = false;
  #turns = 0;
  #relief: PromiseWithResolvers<void> | undefined;
  #settle: () => void = () => {};

  /** Sets the work of `settle()`: to bring gathered messages into the queues. */
  onSettle(settle: () => void): void {
    this.#settle = settle;
  }

  /** Brings every published message into the queues, so that their counts are exact. */
  settle(): void {
    this.#settle();
  }

  /** How many more messages may wait before publishers are held back. */
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
   * Settles when the backlog fits into one turn again, or after a few turns; `undefined` while it fits. A publisher that
   * awaits it publishes no faster than messages are handed out, and lets the event loop turn.
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
    // Not before half is spent: a quiet bus never touches the event loop.
    if (this.#budget < TURN_BUDGET / 2) this.#renew();
  };

  /** Reports a failure that is no handler's. */
  report(error: unknown): void {
    process.emitWarning(error instanceof Error ? error : String(error));
  }

  /** A failure of one does not keep the others from their turn. */
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
