/**
 * The fields of the memory shared with an engine thread: the running message, the running call in it, and 1 if the thread must not
 * start further calls.
 */
export const PROGRESS_FIELDS = 3;

/** The statement that an engine thread runs, by the id of its message and its index among the calls of that message. */
export interface RunningStatement {
  readonly message: number;
  readonly index: number;
  /** Milliseconds since it was first observed. */
  readonly ms: number;
}

interface ThreadWatchOptions {
  /** The running message, 0 while idle, and the running call, -1 for work that is not a statement. */
  readonly progress: Float64Array;
  /** The time limit of one statement, in milliseconds. */
  readonly limitMs: number;
  /** Whether a reply of the thread is awaited. */
  readonly isBusy: () => boolean;
  /** Called at each check while a statement has run for at least `SLOW_MS`. */
  readonly onSlow: (running: RunningStatement, isOverdue: boolean) => void;
}

/** The time after which a statement is slow, and others are moved to another thread. */
const SLOW_MS = 500;
const CHECK_INTERVAL_MS = 250;
/** The least number of checks per time limit. */
const CHECKS_PER_LIMIT = 4;

/**
 * Detects statements that run too long. A thread inside SQLite answers no messages, so it writes to shared memory which statement it
 * begins. No timer runs while the thread is idle.
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

  /** Starts the checks, after a message was sent to the thread. */
  start(): void {
    this.#timer ??= setTimeout(
      () => this.#check(),
      Math.min(CHECK_INTERVAL_MS, this.#limitMs / CHECKS_PER_LIMIT),
    ).unref();
  }

  /** Lowers the time limit of statements, including the running one. */
  tighten(limitMs: number): void {
    this.#limitMs = Math.min(this.#limitMs, limitMs);
    this.#clear();
    if (this.#options.isBusy()) this.start();
  }

  /** Stops the checks permanently. */
  stop(): void {
    this.#stopped = true;
    this.#clear();
  }

  #clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #check(): void {
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
