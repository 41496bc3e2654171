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
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number) {
    this.#endsAt = performance.now() + ms;
    if (ms <= 0) this.#controller.abort();
    else if (Number.isFinite(ms)) this.#timer = setTimeout(() => this.#controller.abort(), ms);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Brings it forward to `ms` from now; never back. */
  shorten(ms: number): void {
    const endsAt = performance.now() + ms;
    if (endsAt >= this.#endsAt || this.signal.aborted) return;
    this.#endsAt = endsAt;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#controller.abort(), ms);
  }

  /** Whether `work` settles first. Its failure is thrown; what it does after the deadline is nobody's any more. */
  async settles(work: PromiseLike<unknown>): Promise<boolean> {
    const { promise: expired, resolve } = Promise.withResolvers<false>();
    const expire = (): void => resolve(false);
    if (this.signal.aborted) expire();
    this.signal.addEventListener('abort', expire, { once: true });
    try {
      return await Promise.race([Promise.resolve(work).then(() => true), expired]);
    } finally {
      this.signal.removeEventListener('abort', expire);
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
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
