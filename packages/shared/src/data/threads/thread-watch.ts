/**
 * The fields of the memory shared with an engine thread: the message and the call it works on, and 1 when later calls must not
 * be started.
 */
export const PROGRESS_FIELDS = 3;

/** The statement that an engine thread runs: the message that brought it, and its place among the calls of that message. */
export interface RunningStatement {
  readonly message: number;
  readonly index: number;
  /** Milliseconds since the watch has first seen it. */
  readonly ms: number;
}

export interface ThreadWatchOptions {
  /** Message and call that the thread works on; 0 while it waits, and -1 for work that is no statement. */
  readonly progress: Float64Array;
  /** Milliseconds that one statement may take. */
  readonly limitMs: number;
  /** Whether the thread owes an answer. */
  readonly isBusy: () => boolean;
  /** Told at each look of a statement that runs for at least `SLOW_MS`, until it ends or the watch is stopped. */
  readonly onSlow: (running: RunningStatement, isOverdue: boolean) => void;
}

/** From so long on a statement is slow: others should not wait behind it. */
export const SLOW_MS = 500;
const LOOK_EVERY_MS = 250;
/** Looks per limit at least; a statement is noticed one look late at most. */
const LOOKS = 4;

/**
 * Detects a statement that runs too long. SQLite cannot be interrupted, and a busy thread answers no messages, so the thread
 * writes to shared memory what it is about to run. There is no timer while the thread is idle.
 */
export class ThreadWatch {
  readonly #options: ThreadWatchOptions;
  #limitMs: number;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  #seen: { readonly message: number; readonly index: number; readonly since: number } | undefined;

  constructor(options: ThreadWatchOptions) {
    this.#options = options;
    this.#limitMs = options.limitMs;
  }

  /** Something was sent to the thread. */
  start(): void {
    this.#timer ??= setTimeout(() => this.#look(), Math.min(LOOK_EVERY_MS, this.#limitMs / LOOKS)).unref();
  }

  /** From now on a statement may take `limitMs` at most, also the one that runs. */
  tighten(limitMs: number): void {
    this.#limitMs = Math.min(this.#limitMs, limitMs);
    this.#clear();
    if (this.#options.isBusy()) this.start();
  }

  /** For good. */
  stop(): void {
    this.#stopped = true;
    this.#clear();
  }

  #clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    this.#timer = undefined;
    if (!this.#options.isBusy()) return;
    const [message = 0, index = 0] = this.#options.progress;
    const now = performance.now();
    if (message <= 0 || index < 0) this.#seen = undefined;
    else if (this.#seen?.message !== message || this.#seen.index !== index)
      this.#seen = { message, index, since: now };
    else {
      const ms = now - this.#seen.since;
      const isOverdue = ms >= this.#limitMs;
      if (isOverdue || ms >= SLOW_MS) this.#options.onSlow({ message, index, ms }, isOverdue);
    }
    if (!this.#stopped) this.start();
  }
}
