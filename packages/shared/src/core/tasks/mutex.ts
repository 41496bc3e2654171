import pLimit from 'p-limit';

/** Runs `work` after everything that was passed before it has settled. Resolves or rejects as `work` does. */
export type Mutex = <T>(work: () => T | PromiseLike<T>) => Promise<T>;

/**
 * Makes a function that runs one piece of work at a time, in the order of the calls. A failure reaches only the caller
 * of that function, and the next one still runs.
 *
 * @example
 * ```ts
 * readonly #exclusive = createMutex();
 * save(text: string): Promise<void> {
 *   return this.#exclusive(() => writeFile(this.#file, text));
 * }
 * // Resolves when all that was passed so far has settled:
 * await this.#exclusive(() => undefined);
 * ```
 */
export function createMutex(): Mutex {
  const limit = pLimit(1);
  return (work) => limit(async () => work());
}
