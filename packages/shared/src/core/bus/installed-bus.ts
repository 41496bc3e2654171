import type { DurableStore } from './durable/types.ts';
import { BusAmbiguousError } from './errors.ts';
import type { Transport } from './transports/transport.ts';

/** The bus of a backend that runs in this process. */
export interface InstalledBus {
  readonly transport: Transport;
  /** Keeps durable messages; `undefined` while the backend has no store open. */
  readonly durable: () => DurableStore | undefined;
  readonly onError: (error: Error) => void;
}

/*
 * Module-level state, as that of `getLogger`, and for the same reason: the guide's `new MessageBusClient()` names no
 * backend, and must reach the one that runs.
 */
const installed = new Set<InstalledBus>();

/** Makes `bus` the one that `new MessageBusClient()` reaches. The returned function ends that. */
export function installBus(bus: InstalledBus): () => void {
  installed.add(bus);
  return () => void installed.delete(bus);
}

/**
 * The bus of the backend that runs in this process; `undefined` when none does.
 *
 * @throws {BusAmbiguousError} when several run
 */
export function installedBus(): InstalledBus | undefined {
  if (installed.size > 1) throw new BusAmbiguousError(installed.size);
  const [bus] = installed;
  return bus;
}
