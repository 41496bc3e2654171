import { ClientClosedError, ConnectionBrokenError } from '../errors.ts';

interface CallOptions {
  /** Cancels the call, which then throws the signal's reason. */
  readonly signal?: AbortSignal | null | undefined;
  /** Whether the call can be repeated without harm. */
  readonly isRepeatable: boolean;
}

/** Makes the calls of one client: translates their errors, repeats repeatable ones, and ends them with the client. */
export class Calls {
  readonly explain: (error: unknown) => unknown;
  readonly #closing = new AbortController();

  /** @param explain translates an error of the transport for the caller */
  constructor(explain: (error: unknown) => unknown) {
    this.explain = explain;
  }

  /** Aborted with a {@link ClientClosedError} once the client is closed. */
  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  async run<T>({ signal, isRepeatable }: CallOptions, call: () => Promise<T>): Promise<T> {
    this.closed.throwIfAborted();
    const once = async (): Promise<T> => {
      try {
        return await call();
      } catch (error) {
        if (signal?.aborted) throw error;
        throw this.closed.aborted ? this.closed.reason : this.explain(error);
      }
    };
    try {
      return await once();
    } catch (error) {
      // A kept connection may have broken without notice; a new one has not.
      if (!(error instanceof ConnectionBrokenError && isRepeatable) || signal?.aborted) throw error;
      return once();
    }
  }

  close(): void {
    this.#closing.abort(new ClientClosedError());
  }
}
