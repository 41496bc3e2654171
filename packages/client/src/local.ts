/** `@aico/client/local`: the backend on this machine, over the socket that only its owner may open. */
import { type Client, clientOver } from './core/client.ts';
import {
  BackendNotRunningError,
  ConnectionBrokenError,
  ReplyTimeoutError,
  SocketDeniedError,
} from './errors.ts';
import { fetchThrough } from './node/fetch-through.ts';

export type { Client } from './core/client.ts';
export { ensureOk } from './core/reply.ts';
export { type EventSourceMessage, serverSentEvents } from './core/server-sent-events.ts';
export {
  BackendNotRunningError,
  ConnectionBrokenError,
  ProblemError,
  ReplyTimeoutError,
  SocketDeniedError,
  UnexpectedReplyError,
} from './errors.ts';

export interface LocalClientOptions {
  /** The backend's Unix domain socket, or named pipe. */
  readonly socketPath: string;
  /** Milliseconds until an answer must have begun. Default 120 000. */
  readonly timeoutMs?: number;
}

/**
 * Reaches a backend on the same machine, over the socket that only its owner may open.
 *
 * Besides what any client meets, its requests fail with `SocketDeniedError` where this user may not open the socket.
 *
 * @example
 * ```ts
 * await using client = connectLocal({ socketPath: new AICOPaths().socketFile });
 * const plugins = await client.json('/api/v1/system/plugins');
 * ```
 */
export function connectLocal({ socketPath, timeoutMs = 120_000 }: LocalClientOptions): Client {
  return clientOver({
    ...fetchThrough({ socketPath, timeout: timeoutMs }, timeoutMs),
    explain: (error) => failureOf(error, socketPath, timeoutMs),
  });
}

/** What stops a connection from being made at all, in the words of the system. */
const NOBODY_THERE: ReadonlySet<unknown> = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTSOCK', 'ENOTDIR']);
const DENIED: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM']);
const TOO_LATE: ReadonlySet<unknown> = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT']);

function failureOf(error: unknown, socketPath: string, timeoutMs: number): unknown {
  let last = error;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    last = cause;
    if (!('code' in cause)) continue;
    if (NOBODY_THERE.has(cause.code)) return new BackendNotRunningError(socketPath, error);
    if (DENIED.has(cause.code)) return new SocketDeniedError(socketPath, error);
    if (TOO_LATE.has(cause.code)) return new ReplyTimeoutError(timeoutMs, error);
  }
  // Without a cause it never came to a connection: the request itself cannot be.
  return last === error ? error : new ConnectionBrokenError(last);
}
