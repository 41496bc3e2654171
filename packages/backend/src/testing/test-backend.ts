import { type Backend, type BackendOptions, startBackend } from '../backend.ts';
import { createTestHome } from './test-home.ts';

export type TestBackendOptions = Omit<BackendOptions, 'env'> & {
  readonly env?: BackendOptions['env'];
};

export interface TestBackend extends Backend {
  readonly home: string;
}

/**
 * Starts a whole backend in a temporary home on free ports, with a real encrypted database, bus and gateway. Its `stop()`
 * removes the home, unless `home` was given.
 *
 * @example
 * ```ts
 * const backend = await startTestBackend({ plugins: ['./examples/inbox'] });
 * const reply = await localRequest(backend.socket, '/api/v1/health');
 * await backend.stop();
 * ```
 */
export async function startTestBackend(options: TestBackendOptions = {}): Promise<TestBackend> {
  const temporary = options.home === undefined ? await createTestHome() : undefined;
  const home = options.home ?? temporary?.folder ?? '';
  try {
    const backend = await startBackend({
      ...options,
      home,
      env: options.env ?? {},
      overrides: {
        environment: 'test',
        'core.api_gateway.rest.port': 0,
        'core.logging.console.enabled': false,
        // Tests must not write to the keyring of the person who runs them.
        'core.database.keyring_witness': false,
        ...options.overrides,
      },
    });
    const stop = async (reason?: string): Promise<void> => {
      await backend.stop(reason);
      await temporary?.remove();
    };
    return { ...backend, home, stop };
  } catch (error) {
    await temporary?.remove();
    throw error;
  }
}
