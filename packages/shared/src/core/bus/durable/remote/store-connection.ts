import type { RequestOptions } from '../../publish-options.ts';

/** The connection to a store in another process. */
export interface StoreConnection {
  request(topic: string, message: unknown, options: RequestOptions): Promise<unknown>;
  /** Aborts when the connection breaks, since pending requests will not be answered. A restored connection has a new signal. */
  readonly lost: AbortSignal | undefined;
}
