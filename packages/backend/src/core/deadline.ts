/**
 * A deadline, and a signal that is aborted when it passes. Monotonic. Must be disposed.
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
  /** Created when it is first read: most work is done long before. */
  #controller: AbortController | undefined;
  #expired = false;
  #shortened = false;
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

  /** Moves the deadline to `ms` from now if that is earlier. */
  shorten(ms: number): void {
    const endsAt = performance.now() + ms;
    if (endsAt >= this.#endsAt || this.#expired) return;
    this.#shortened = true;
    this.#endsAt = endsAt;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#expire, ms);
  }

  /** Restarts the deadline, `ms` from now; has no effect after it has expired or was shortened. */
  renew(ms: number): void {
    if (this.#expired || this.#shortened || !Number.isFinite(ms)) return;
    this.#endsAt = performance.now() + ms;
    this.#timer?.refresh();
  }

  /**
   * Whether `work` settles first. Its failure is thrown; its outcome after the deadline is ignored. Accepts one piece of work
   * at a time.
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

/** Whether a value must be awaited: most services complete a phase synchronously and need no timer. */
export function isPending(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  );
}
