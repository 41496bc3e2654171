import { AsyncLocalStorage } from 'node:async_hooks';

/** Something with work waiting: does at most `budget` pieces of it and says how many it did. Must not throw. */
export interface Runnable {
  run(budget: number): number;
}

/** How many messages are handed out before the event loop gets a turn. */
const TURN_BUDGET = 2_048;

/** How many turns a publisher is kept waiting at most, should what waits never become less. */
const MAX_TURNS = 16;

/** How many messages one subscription may take before the next one's turn. */
const SLICE = 128;

/**
 * Hands out messages off the publisher's stack: in the microtask after it, so that a publisher that awaits each
 * publish is never ahead of handlers that answer at once; and in fair slices with a budget for each turn of the
 * event loop, so that handlers which publish to each other without end hold up neither timers nor sockets.
 */
export class Dispatcher {
  /** Messages that wait for nothing but their turn. Kept by the subscriptions, which alone know. */
  backlog = 0;
  /** Messages that are gathered and not queued yet, at least. */
  gathered = 0;
  /**
   * Where handlers run: not inside whatever the publisher was in the midst of, such as its database transaction or
   * its trace.
   */
  readonly #inOwnContext = AsyncLocalStorage.snapshot();
  #ready: Runnable[] = [];
  #budget = TURN_BUDGET;
  #scheduled = false;
  #renewing = false;
  #turns = 0;
  #relief: PromiseWithResolvers<void> | undefined;
  #settle: () => void = () => {};

  /** What `settle()` is to do: bring into the queues what is not there yet. */
  onSettle(settle: () => void): void {
    this.#settle = settle;
  }

  /** Has every message that was published reach the queues, so that counting them is true. */
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
   * Settles when what waits fits into one turn again, or after a few turns; `undefined` while it fits. Who awaits
   * it publishes no faster than the messages are handed out, and lets the event loop turn.
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

  /** Tells of what failed here, in nobody's handler. */
  report(error: unknown): void {
    process.emitWarning(error instanceof Error ? error : String(error));
  }

  /** Whatever one does, the others have their turn. */
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
