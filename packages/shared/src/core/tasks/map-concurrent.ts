import pMap from 'p-map';

/** How `mapConcurrent` ends early. */
export interface MapConcurrentOptions {
  /** When it is aborted, no further item is started, and the result rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Processes at most `limit` items at a time and returns the outcome of each, in their order: the guide's
 * `gather(…, return_exceptions=True)` with a bound. The failure of one item does not stop the others.
 *
 * @throws {TypeError} when `limit` is not a positive whole number
 * @example
 * ```ts
 * const results = await mapConcurrent(items, 8, (item) => processItem(item), { signal });
 * const failed = results.filter((result) => result.status === 'rejected');
 * ```
 */
export function mapConcurrent<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  limit: number,
  work: (item: T, index: number) => R | Promise<R>,
  { signal }: MapConcurrentOptions = {},
): Promise<PromiseSettledResult<Awaited<R>>[]> {
  const settle = async (item: T, index: number): Promise<PromiseSettledResult<Awaited<R>>> => {
    try {
      return { status: 'fulfilled', value: await work(item, index) };
    } catch (reason) {
      return { status: 'rejected', reason };
    }
  };
  return pMap(items, settle, { concurrency: limit, signal });
}
