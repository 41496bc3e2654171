import { Dispatcher } from '../../delivery/dispatcher.ts';
import { RemoteStore } from '../../durable/remote/remote-store.ts';
import type { StoreConnection } from '../../durable/remote/store-connection.ts';
import type { DurableStore } from '../../durable/types.ts';
import type { Transport, TransportConnection } from '../transport.ts';
import type { BusCredential } from './credential.ts';
import { type LinkStatus, ZeroMqConnection } from './zeromq-connection.ts';

export interface ZeroMqTransportOptions {
  /** The identity of this process and the address of the broker: see {@link readCredential}. */
  readonly credential: BusCredential;
  /** Milliseconds that connecting may take, and that a message may wait while there is no connection. Default 5 000. */
  readonly timeoutMs?: number;
  /** Called when a connection breaks, and when it is restored. */
  readonly onStatus?: (status: LinkStatus) => void;
  /** Called with malformed frames. Default: a process warning. */
  readonly onError?: (error: Error) => void;
}

/**
 * Connects a process to the bus of a backend through the backend's broker, over ZeroMQ with CURVE encryption.
 * docs/bus-protocol.md describes the protocol.
 *
 * @example
 * ```ts
 * const transport = new ZeroMqTransport({ credential: await readCredential('journal.json') });
 * const bus = new MessageBusClient({ source: 'journal', transport });
 * await bus.connect();
 * ```
 */
export class ZeroMqTransport implements Transport {
  readonly name = 'zeromq';
  readonly dispatcher = new Dispatcher();
  readonly #options: ZeroMqTransportOptions;

  constructor(options: ZeroMqTransportOptions) {
    this.#options = options;
  }

  remoteStore(connection: StoreConnection): DurableStore {
    return new RemoteStore(connection);
  }

  /** @throws {BusUnreachableError} @throws {BusRefusedError} */
  async connect(source: string): Promise<TransportConnection> {
    const { credential, timeoutMs = 5_000, onStatus = () => {} } = this.#options;
    const { onError = (error) => process.emitWarning(error) } = this.#options;
    const connection = new ZeroMqConnection({ credential, source, timeoutMs, onStatus, onError });
    await connection.open();
    return connection;
  }
}
