import type { Backend, BackendOptions } from '../backend.ts';
import type { Faults } from './faults.ts';
import type { LocalReply, LocalRequestOptions } from './local-request.ts';
import { createObserved } from './observed-backend.ts';
import type { TestClock } from './test-clock.ts';

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
   * Resolves when everything that was published has been handled by subscriptions and durable consumers, also what they
   * published themselves. A durable message whose handler failed waits for its next attempt: see `TestClock.advance`.
   *
   * @throws {NotIdleError} after 10 seconds, naming what is not idle
   */
  whenIdle(): Promise<void>;
  /** Sends one request to the API, as the owner. */
  request(path: string, options?: LocalRequestOptions): Promise<LocalReply>;
}

/**
 * Starts a whole backend in a temporary home on free ports, with a real encrypted database, bus and gateway. A first start
 * protects its keys by a key file, which needs no slow derivation; no variable of the environment is read unless `env` is
 * given. `stop()` removes the home, unless `home` was given.
 *
 * @example
 * ```ts
 * await using backend = await createTestBackend({ plugins: ['./examples/inbox'] });
 * const reply = await backend.request('/api/v1/health');
 * ```
 */
export async function createTestBackend(options: TestBackendOptions = {}): Promise<TestBackend> {
  return (await createObserved(options)).backend;
}
