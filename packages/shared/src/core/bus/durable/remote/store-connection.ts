import type { RequestOptions } from '../../publish-options.ts';

/** The connection to a store in another process. */
export interface StoreConnection {
  request(topic: string, message: unknown, options: RequestOptions): Promise<unknown>;
  /** Aborts when the connection breaks, since requests are then not answered; replaced once it is restored. */
  readonly lost: AbortSignal | undefined;
}
