import { type Backend, type BackendOptions, startBackend } from '../backend.ts';
import type { ServiceEvent } from '../core/container/service-event.ts';
import { Faults } from './faults.ts';
import { whenIdle } from './idle.ts';
import { type LocalReply, type LocalRequestOptions, localRequest } from './local-request.ts';
import { TestBus } from './test-bus.ts';
import type { TestClock } from './test-clock.ts';
import { createTestHome } from './test-home.ts';

/** How a test backend differs from the default one. */
export interface TestBackendOptions
  extends Pick<BackendOptions, 'plugins' | 'baseDir' | 'home' | 'env' | 'password' | 'register'> {
  /** Configuration over all other layers, by dotted key: `{ 'plugins.notes.longest': 100 }`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** A clock that the test moves. Default: the clock of the machine. */
  readonly clock?: TestClock | undefined;
}

/** A backend that runs for a test. `await using` stops it at the end of its block. */
export interface TestBackend extends Backend, AsyncDisposable {
  /** The folder that holds everything of the backend. */
  readonly home: string;
  /** Injects faults of the database, the disk and the bus. */
  readonly faults: Faults;
  /**
   * Resolves when every message has been handled by subscriptions and durable consumers, including messages that they
   * published themselves. A durable message whose handler failed waits for its next attempt: see `TestClock.advance`.
   *
   * @throws {NotIdleError} after 10 seconds, with the names of the busy parts
   */
  whenIdle(): Promise<void>;
  /** Sends one request to the API, as the owner. */
  request(path: string, options?: LocalRequestOptions): Promise<LocalReply>;
}

/** A test backend and its internal state. */
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
