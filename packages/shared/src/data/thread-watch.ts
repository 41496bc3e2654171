/** What an engine thread works on: memory that it shares with the main thread. */
export const PROGRESS_FIELDS = 2;

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
  readonly onOverdue: (running: RunningStatement) => void;
}

/** Looks per limit; a statement is noticed at most one look late. */
const LOOKS = 4;

/**
 * Notices a statement that runs longer than it may. Nothing interrupts SQLite, and a thread in it answers nothing, so the
 * thread says in shared memory what it is about to run. There is no timer while the thread is idle.
 */
export class ThreadWatch {
  readonly #options: ThreadWatchOptions;
  #limitMs: number;
  #timer: NodeJS.Timeout | undefined;
  #seen: { readonly message: number; readonly index: number; readonly since: number } | undefined;

  constructor(options: ThreadWatchOptions) {
    this.#options = options;
    this.#limitMs = options.limitMs;
  }

  /** Something was sent to the thread. */
  start(): void {
    this.#timer ??= setTimeout(() => this.#look(), this.#limitMs / LOOKS).unref();
  }

  /** From now on a statement may take `limitMs` at most, also the one that runs. */
  tighten(limitMs: number): void {
    this.#limitMs = Math.min(this.#limitMs, limitMs);
    this.stop();
    if (this.#options.isBusy()) this.start();
  }

  stop(): void {
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
    else if (now - this.#seen.since >= this.#limitMs) {
      this.#options.onOverdue({ message, index, ms: now - this.#seen.since });
    }
    this.start();
  }
}
