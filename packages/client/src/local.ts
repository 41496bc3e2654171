import { Problem } from '@aico/protocol';
import { Value } from 'typebox/value';
import { Agent, fetch, type RequestInit, type Response } from 'undici';
import { BackendNotRunningError, ConnectionBrokenError, ProblemError } from './errors.ts';

export { BackendNotRunningError, ConnectionBrokenError, ProblemError } from './errors.ts';
export type { RequestInit, Response };

export interface LocalClientOptions {
  /** The backend's Unix domain socket, or named pipe. */
  readonly socketPath: string;
}

/** A client of one backend. */
export interface LocalClient extends AsyncDisposable {
  /**
   * `fetch` with a path for an address. Answers of every status are answers.
   *
   * @throws {BackendNotRunningError} when nobody serves the socket
   * @throws {ConnectionBrokenError} when the connection breaks
   */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /**
   * Asks for JSON and gives it.
   *
   * @throws {ProblemError} when the backend refuses
   */
  json(path: string, init?: RequestInit): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * Reaches a backend on the same machine, over the socket that only its owner may open.
 *
 * @example
 * ```ts
 * await using client = connectLocal({ socketPath: new AICOPaths().socketFile });
 * const health = await client.json('/api/v1/health');
 * ```
 */
export function connectLocal({ socketPath }: LocalClientOptions): LocalClient {
  // Event streams stay silent for as long as nothing happens: only the backend's word ends a body.
  const dispatcher = new Agent({ connect: { socketPath }, bodyTimeout: 0, headersTimeout: 120_000 });
  const request = async (path: string, init: RequestInit = {}): Promise<Response> => {
    try {
      return await fetch(new URL(path, 'http://aico.local'), { ...init, dispatcher });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw failureOf(error, socketPath);
    }
  };
  const close = (): Promise<void> => dispatcher.destroy();
  return {
    fetch: request,
    async json(path, init) {
      const response = await request(path, init);
      const body: unknown = await response.json().catch(() => undefined);
      if (response.ok || !Value.Check(Problem, body)) return body;
      throw new ProblemError(body);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** What stops a connection from being made at all, in the words of the system. */
const NOBODY_THERE: ReadonlySet<unknown> = new Set([
  'ENOENT',
  'ECONNREFUSED',
  'ENOTSOCK',
  'EACCES',
  'ENOTDIR',
]);

function failureOf(error: unknown, socketPath: string): Error {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && NOBODY_THERE.has(cause.code)) return new BackendNotRunningError(socketPath, error);
  }
  return new ConnectionBrokenError(
    error instanceof Error && error.cause instanceof Error ? error.cause : error,
  );
}
