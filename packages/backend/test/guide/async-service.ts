import type { Logger } from '@aico/shared/core/logging';
import { BoundedCache, ConnectionPool, mapConcurrent } from '@aico/shared/core/tasks';

export class AsyncService {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Processes at most eight items at a time; a failed item does not stop the others. */
  async processBatch(items: readonly string[]): Promise<readonly string[]> {
    const results = await mapConcurrent(items, 8, (item) => this.processItem(item));
    const successful = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    this.#logger.info('Processed batch', {
      successful: successful.length,
      failed: items.length - successful.length,
    });
    return successful;
  }

  async processItem(item: string): Promise<string> {
    if (item === '') throw new Error('nothing to process');
    return item.toUpperCase();
  }
}

export class ResourceManagedService {
  readonly connectionPool: ConnectionPool<string, { key: string }>;
  readonly cache = new BoundedCache<string, number>(1_000);

  constructor(createConnection: (key: string) => Promise<{ key: string }>) {
    // Two callers of one key share one connection, also while it is being made.
    this.connectionPool = new ConnectionPool({ create: createConnection, dispose: () => {} });
  }
}
