import type { RequestOptions } from '../../types.ts';

/** How a store in another process is asked. */
export interface DurableLine {
  request(topic: string, message: unknown, options: RequestOptions): Promise<unknown>;
  /** Aborts when the connection breaks, for then what was asked is not answered; another one once it is there again. */
  readonly lost: AbortSignal | undefined;
}
