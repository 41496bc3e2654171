import { backoffDelay } from '../../core/tasks/index.ts';
import type { DatabaseState } from '../types.ts';
import { DatabaseLostError } from '../writes/errors.ts';
import { DatabaseUnreachableError } from './errors.ts';

const RETRY = { minDelayMs: 100, maxDelayMs: 2_000 };

interface ServerStateOptions {
  readonly location: string;
  /** Opens and closes a connection. */
  readonly probe: () => Promise<void>;
  readonly onChange: (state: DatabaseState) => void;
}

/** Whether the server answers. While it does not, calls are refused at once, and it is tried again in the background. */
export class ServerState {
  readonly #options: ServerStateOptions;
  #state: DatabaseState = { kind: 'ready' };
  #down: DatabaseUnreachableError | undefined;
  #lost: DatabaseLostError | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: ServerStateOptions) {
    this.#options = options;
  }

  get current(): DatabaseState {
    return this.#state;
  }

  /** @throws {DatabaseUnreachableError} while the server does not answer */
  refuseWhileDown(): void {
    if (this.#down === undefined) return;
    throw new DatabaseUnreachableError(this.#options.location, 'it does not answer', this.#down);
  }

  /** @throws {DatabaseLostError} once writes are no longer acknowledged */
  refuseWrites(): void {
    if (this.#lost !== undefined) throw this.#lost;
  }

  /** Takes note of a connection that could not be opened. */
  noteFailure(error: unknown): void {
    if (!(error instanceof DatabaseUnreachableError) || this.#isClosed) return;
    if (this.#down === undefined) {
      this.#set({ kind: 'unreachable', reason: error.message, since: new Date() });
      this.#retry(1);
    }
    this.#down = error;
  }

  /** Refuses writes until a restart. */
  lose(reason: Error): void {
    if (this.#lost !== undefined) return;
    this.#lost = new DatabaseLostError(reason.message, reason);
    this.#set({ kind: 'failed', reason: reason.message });
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #set(state: DatabaseState): void {
    if (this.#state.kind === 'failed') return;
    this.#state = state;
    this.#options.onChange(state);
  }

  #retry(attempt: number): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(
      () => {
        this.#options.probe().then(
          () => {
            this.#down = undefined;
            this.#set({ kind: 'ready' });
          },
          (error: unknown) => {
            if (error instanceof DatabaseUnreachableError) this.#down = error;
            this.#retry(attempt + 1);
          },
        );
      },
      backoffDelay(attempt, RETRY),
    ).unref();
  }
}
