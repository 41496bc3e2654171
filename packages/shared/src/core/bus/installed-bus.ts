import type { DurableStore } from './durable/types.ts';
import { BusAmbiguousError } from './errors.ts';
import type { Transport } from './transports/transport.ts';

/** The bus of a backend that runs in this process. */
export interface InstalledBus {
  readonly transport: Transport;
  /** The store of durable messages; `undefined` while the backend has none open. */
  readonly durable: () => DurableStore | undefined;
  readonly onError: (error: Error) => void;
}

/*
 * Module-level state, as `getLogger` has, and for the same reason: the guide's `new MessageBusClient()` takes no backend as
 * an argument and must reach the running one.
 */
const installed = new Set<InstalledBus>();

/** Makes `new MessageBusClient()` connect to `bus`. The returned function undoes this. */
export function installBus(bus: InstalledBus): () => void {
  installed.add(bus);
  return () => void installed.delete(bus);
}

/**
 * The bus of the backend that runs in this process; `undefined` when no backend runs.
 *
 * @throws {BusAmbiguousError} when several run
 */
export function installedBus(): InstalledBus | undefined {
  if (installed.size > 1) throw new BusAmbiguousError(installed.size);
  const [bus] = installed;
  return bus;
}
