import { type BackendOptions, startBackend } from '../backend.ts';
import type { ServiceEvent } from '../core/container/service-event.ts';
import { Faults } from './faults.ts';
import { whenIdle } from './idle.ts';
import { localRequest } from './local-request.ts';
import type { TestBackend, TestBackendOptions } from './test-backend.ts';
import { TestBus } from './test-bus.ts';
import { createTestHome } from './test-home.ts';

/** A test backend and what is known of it from within. */
export interface ObservedBackend {
  readonly backend: TestBackend;
  readonly bus: TestBus;
  readonly events: readonly ServiceEvent[];
}

/** Starts a test backend: see `createTestBackend`. */
export async function createObserved({
  config,
  env = {},
  clock,
  ...options
}: TestBackendOptions): Promise<ObservedBackend> {
  const temporary = options.home === undefined ? await createTestHome() : undefined;
  const home = options.home ?? temporary?.folder ?? '';
  const bus = new TestBus();
  const faults = new Faults(bus);
  const events: ServiceEvent[] = [];
  const overrides: BackendOptions['overrides'] = {
    environment: 'test',
    'core.api_gateway.rest.port': 0,
    'core.logging.console.enabled': false,
    // Tests must not write to the keyring of the person who runs them.
    'core.database.keyring_witness': false,
    ...config,
  };
  try {
    const backend = await startBackend(
      { ...options, home, env, overrides },
      { clock, hub: bus, databaseFaults: faults.forDatabase, onServiceEvent: (event) => events.push(event) },
    );
    const { container } = backend;
    const unfollow = clock?.onMove(async () => container.findService('streams')?.wake());
    const stop = async (reason?: string): Promise<void> => {
      unfollow?.();
      await backend.stop(reason);
      await temporary?.remove();
    };
    return {
      backend: {
        ...backend,
        home,
        faults,
        whenIdle: () => whenIdle(bus, container.getService('streams')),
        request: (path, request) => localRequest(backend.socket, path, request),
        stop,
        [Symbol.asyncDispose]: () => stop(),
      },
      bus,
      events,
    };
  } catch (error) {
    await temporary?.remove();
    throw error;
  }
}
