import { type Backend, type BackendOptions, startBackend } from '../backend.ts';
import { type LocalReply, type LocalRequestOptions, localRequest } from './local-request.ts';
import { createTestHome } from './test-home.ts';

/** How a test backend differs from the default one. */
export interface TestBackendOptions
  extends Pick<BackendOptions, 'plugins' | 'baseDir' | 'home' | 'env' | 'password' | 'register'> {
  /** Configuration over all other layers, by dotted key: `{ 'plugins.notes.longest': 100 }`. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** A backend that runs for a test. `await using` stops it at the end of its block. */
export interface TestBackend extends Backend, AsyncDisposable {
  /** The folder that holds everything of the backend. */
  readonly home: string;
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
export async function createTestBackend({
  config,
  env = {},
  ...options
}: TestBackendOptions = {}): Promise<TestBackend> {
  const temporary = options.home === undefined ? await createTestHome() : undefined;
  const home = options.home ?? temporary?.folder ?? '';
  try {
    const backend = await startBackend({
      ...options,
      home,
      env,
      overrides: {
        environment: 'test',
        'core.api_gateway.rest.port': 0,
        'core.logging.console.enabled': false,
        // Tests must not write to the keyring of the person who runs them.
        'core.database.keyring_witness': false,
        ...config,
      },
    });
    const stop = async (reason?: string): Promise<void> => {
      await backend.stop(reason);
      await temporary?.remove();
    };
    return {
      ...backend,
      home,
      request: (path, request) => localRequest(backend.socket, path, request),
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await temporary?.remove();
    throw error;
  }
}
