/** A start that can be cancelled. Its signal is created when it is first read, which most services never do. */
export class Cancellation {
  #controller: AbortController | undefined;
  #reason: Error | undefined;
  #graceMs = Number.POSITIVE_INFINITY;
  #listeners: Set<(reason: Error, graceMs: number) => void> | undefined;

  /** The reason of the cancellation, if any. */
  get reason(): Error | undefined {
    return this.#reason;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason !== undefined && !this.#controller.signal.aborted) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  /** Cancels the start; pending work may take `graceMs` to end. A second call can only shorten it. */
  cancel(reason: Error, graceMs: number): void {
    if (this.#reason !== undefined && graceMs >= this.#graceMs) return;
    this.#reason ??= reason;
    this.#graceMs = graceMs;
    this.#controller?.abort(this.#reason);
    for (const listener of this.#listeners ?? []) listener(this.#reason, graceMs);
  }

  /** Calls `listener` on cancellation, at once if it was cancelled before. The returned function removes it. */
  subscribe(listener: (reason: Error, graceMs: number) => void): () => void {
    this.#listeners ??= new Set();
    const listeners = this.#listeners.add(listener);
    if (this.#reason !== undefined) listener(this.#reason, this.#graceMs);
    return () => listeners.delete(listener);
  }
}
