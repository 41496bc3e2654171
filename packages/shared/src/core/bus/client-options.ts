import type { DurableStore } from './durable/types.ts';
import type { Transport } from './transports/transport.ts';

export interface MessageBusClientOptions {
  /** The name under which it publishes. Default `'anonymous'`. */
  readonly source?: string;
  /** What carries the messages. Default: a hub of its own, which only this client is on. */
  readonly transport?: Transport;
  /** Keeps durable messages. Default: the store at the transport's other end, where it has one; else there are none. */
  readonly durable?: DurableStore | undefined;
  /** Told of every failed handler and of dropped messages. Default: a process warning. */
  readonly onError?: (error: Error) => void;
}
