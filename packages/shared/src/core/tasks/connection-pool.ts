import { PoolClosedError } from './errors.ts';

/** How the connections of a pool are made and closed. */
export interface ConnectionPoolOptions<K, V> {
  readonly create: (key: K) => V | Promise<V>;
  /** Default: nothing to release. */
  readonly dispose?: (value: V, key: K) => void | Promise<void>;
}

/**
 * One value per key, created at the first `get`: the guide's `get_connection`. Callers that ask for a key while its value is being
 * created receive the same value. A failure is not kept: the next `get` creates the value again.
 *
 * @example
 * ```ts
 * const pool = new ConnectionPool({
 *   create: (host: string) => connect(host),
 *   dispose: (connection) => connection.close(),
 * });
 * const connection = await pool.get('localhost');
 * await pool.dispose();
 * ```
 */
export class ConnectionPool<K, V> {
  readonly #create: (key: K) => V | Promise<V>;
  readonly #release: (value: V, key: K) => void | Promise<void>;
  readonly #entries = new Map<K, Promise<V>>();
  #closed: Promise<void> | undefined;

  constructor({ create, dispose = () => {} }: ConnectionPoolOptions<K, V>) {
    this.#create = create;
    this.#release = dispose;
  }

  /** @throws {PoolClosedError} after `dispose()`; and whatever `create` throws */
  get(key: K): Promise<V> {
    if (this.#closed !== undefined) return Promise.reject(new PoolClosedError());
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const made = (async () => this.#create(key))();
    this.#entries.set(key, made);
    made.catch(() => {
      if (this.#entries.get(key) === made) this.#entries.delete(key);
    });
    return made;
  }

  /** Releases one value; the next `get` creates it again. */
  async remove(key: K): Promise<void> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    await this.#releaseEntry(key, entry);
  }

  /**
   * Releases every value, the last created first. Later calls of `get` are refused.
   *
   * @throws {AggregateError} of the values that could not be released; the others were
   */
  dispose(): Promise<void> {
    this.#closed ??= this.#disposeAll();
    return this.#closed;
  }

  async #disposeAll(): Promise<void> {
    const entries = [...this.#entries].reverse();
    this.#entries.clear();
    const failures: unknown[] = [];
    for (const [key, entry] of entries) {
      try {
        await this.#releaseEntry(key, entry);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, `${failures.length} could not be released`);
  }

  async #releaseEntry(key: K, entry: Promise<V>): Promise<void> {
    const outcome = await entry.then(
      (value) => ({ value }),
      () => undefined,
    );
    // A value that could not be created has been reported to the callers of get().
    if (outcome !== undefined) await this.#release(outcome.value, key);
  }
}
