import { createObserved, type TestBackend, type TestBackendOptions } from './observed-backend.ts';

export type { TestBackend, TestBackendOptions };

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
