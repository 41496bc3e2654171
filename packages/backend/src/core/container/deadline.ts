/**
 * A point in time that work is given, and the signal that says it has come. Monotonic. Must be cleared.
 *
 * @example
 * ```ts
 * using deadline = new Deadline(5_000);
 * const inTime = await deadline.settles(work());
 * ```
 */
export class Deadline implements Disposable {
  #endsAt: number;
  #timer: NodeJS.Timeout | undefined;
  /** Made only when somebody asks: most work is done long before. */
  #controller: AbortController | undefined;
  #expired = false;
  #onExpiry: (() => void) | undefined;

  constructor(ms: number) {
    this.#endsAt = performance.now() + ms;
    if (ms <= 0) this.#expired = true;
    else if (Number.isFinite(ms)) this.#timer = setTimeout(this.#expire, ms);
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#expired && !this.#controller.signal.aborted) this.#controller.abort();
    return this.#controller.signal;
  }

  /** Brings it forward to `ms` from now; never back. */
  shorten(ms: number): void {
    const endsAt = performance.now() + ms;
    if (endsAt >= this.#endsAt || this.#expired) return;
    this.#endsAt = endsAt;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#expire, ms);
  }

  /**
   * Whether `work` settles first. Its failure is thrown; what it does after the deadline is nobody's any more. Asked
   * for one piece of work at a time.
   */
  settles(work: PromiseLike<unknown>): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#onExpiry = () => resolve(false);
      work.then(() => resolve(true), reject);
      if (this.#expired) resolve(false);
    });
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  readonly #expire = (): void => {
    this.#expired = true;
    this.#controller?.abort();
    this.#onExpiry?.();
  };
}

/** Whether a value must be awaited: most trivial services are done at once, and cost no timer then. */
export function isPending(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  );
}
