import type { KnownStatement } from '../statements/statement-registry.ts';
import type { EngineThread } from '../threads/engine-thread.ts';
import { DatabaseClosedError } from '../threads/errors.ts';
import { ReadersTakenError } from './errors.ts';

/** The number of read-only transactions and row streams that may be open at once. */
const SESSIONS = 16;
const WAIT_MS = 30_000;

/** The transaction or row stream that uses a thread, as error messages name it. */
export interface SessionHolder {
  readonly what: 'stream' | 'read-only transaction';
  readonly owner: string | undefined;
  /** The statement of a row stream. */
  readonly statement: KnownStatement | undefined;
  readonly openedAt: () => string;
}

export interface SessionLease {
  readonly thread: EngineThread;
  /** Returns the thread; later calls have no effect. */
  readonly release: () => void;
}

interface Waiting {
  readonly holder: SessionHolder;
  readonly resolve: (lease: SessionLease) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * The threads of read-only transactions and row streams. Each uses a thread of its own while it is open, so that an overdue
 * statement affects no other. Threads are started on demand, and one idle thread is kept.
 */
export class SessionThreads {
  readonly #startThread: (name: string) => EngineThread;
  readonly #holders = new Map<EngineThread, SessionHolder & { readonly since: number }>();
  readonly #waiting: Waiting[] = [];
  #spare: EngineThread | undefined;
  #started = 0;
  #closed = false;

  constructor(startThread: (name: string) => EngineThread) {
    this.#startThread = startThread;
  }

  get threads(): readonly EngineThread[] {
    return [...this.#holders.keys(), ...(this.#spare === undefined ? [] : [this.#spare])];
  }

  holderOf(thread: EngineThread): SessionHolder | undefined {
    return this.#holders.get(thread);
  }

  /** @throws {ReadersTakenError} when no thread becomes free in time; it names the longest holder */
  async take(holder: SessionHolder): Promise<SessionLease> {
    if (this.#closed) throw new DatabaseClosedError();
    if (this.#holders.size < SESSIONS) return this.#lease(holder);
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(this.#taken());
      }, WAIT_MS);
      const waiting = { holder, resolve, reject, timer };
      this.#waiting.push(waiting);
    });
  }

  /** Refuses the waiting callers and all later ones. */
  refuse(): void {
    this.#closed = true;
    for (const { reject, timer } of this.#waiting.splice(0)) {
      clearTimeout(timer);
      reject(new DatabaseClosedError());
    }
  }

  #lease(holder: SessionHolder): SessionLease {
    const thread = this.#spare ?? this.#start();
    this.#spare = undefined;
    this.#holders.set(thread, { ...holder, since: performance.now() });
    return {
      thread,
      release: () => {
        if (this.#holders.delete(thread)) this.#next(thread);
      },
    };
  }

  #start(): EngineThread {
    this.#started += 1;
    return this.#startThread(`session ${this.#started}`);
  }

  #next(thread: EngineThread): void {
    if (!thread.isAbandoned) {
      if (this.#spare === undefined) this.#spare = thread;
      else void thread.close().catch(() => undefined);
    }
    const next = this.#waiting.shift();
    if (next === undefined) return;
    clearTimeout(next.timer);
    next.resolve(this.#lease(next.holder));
  }

  #taken(): ReadersTakenError {
    const [oldest] = this.#holders.values();
    return new ReadersTakenError(
      SESSIONS,
      WAIT_MS,
      oldest === undefined
        ? undefined
        : {
            what: oldest.what,
            owner: oldest.owner,
            openedAt: oldest.openedAt(),
            ms: performance.now() - oldest.since,
          },
    );
  }
}
