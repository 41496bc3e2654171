/** A start that may be called off. Its signal is made only when it is read, which most services never do. */
export class Cancellation {
  #controller: AbortController | undefined;
  #reason: Error | undefined;
  #graceMs = Number.POSITIVE_INFINITY;
  #listeners: Set<(reason: Error, graceMs: number) => void> | undefined;

  /** Why it was called off, if it was. */
  get reason(): Error | undefined {
    return this.#reason;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason !== undefined && !this.#controller.signal.aborted) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  /** Calls it off; what is under way may take `graceMs` to end. Again with less: less it is. */
  cancel(reason: Error, graceMs: number): void {
    if (this.#reason !== undefined && graceMs >= this.#graceMs) return;
    this.#reason ??= reason;
    this.#graceMs = graceMs;
    this.#controller?.abort(this.#reason);
    for (const listener of this.#listeners ?? []) listener(this.#reason, graceMs);
  }

  /** Calls `listener` when it is called off, at once if it was. The returned function takes it away. */
  subscribe(listener: (reason: Error, graceMs: number) => void): () => void {
    this.#listeners ??= new Set();
    const listeners = this.#listeners.add(listener);
    if (this.#reason !== undefined) listener(this.#reason, this.#graceMs);
    return () => listeners.delete(listener);
  }
}
