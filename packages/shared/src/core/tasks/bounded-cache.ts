import { TaskOptionError } from './errors.ts';

/**
 * A cache of bounded size: when it is full, the oldest entry is removed. The guide's `cache_result`.
 *
 * @example
 * ```ts
 * const cache = new BoundedCache<string, Result>(1_000);
 * cache.set(key, result);
 * ```
 */
export class BoundedCache<K, V> {
  readonly #limit: number;
  readonly #entries = new Map<K, V>();

  /** @throws {TaskOptionError} when `limit` is not a whole number of at least 1 */
  constructor(limit = 1_000) {
    if (!Number.isInteger(limit) || limit < 1)
      throw new TaskOptionError('limit', 'must be a whole number of at least 1');
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: K): V | undefined {
    return this.#entries.get(key);
  }

  has(key: K): boolean {
    return this.#entries.has(key);
  }

  /** Setting a key again makes it the newest. */
  set(key: K, value: V): void {
    this.#entries.delete(key);
    if (this.#entries.size >= this.#limit) {
      const oldest = this.#entries.keys().next();
      if (oldest.done !== true) this.#entries.delete(oldest.value);
    }
    this.#entries.set(key, value);
  }

  delete(key: K): boolean {
    return this.#entries.delete(key);
  }

  /** The entries, the oldest first. */
  entries(): MapIterator<[K, V]> {
    return this.#entries.entries();
  }

  clear(): void {
    this.#entries.clear();
  }
}
