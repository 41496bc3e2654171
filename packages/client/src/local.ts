/** `@aico/client/local`: connects to the backend on this machine over the socket that only its owner may open. */
import { BackendNotRunningError, SocketDeniedError } from './errors.ts';
import { type NodeClient, nodeClient } from './node/node-client.ts';
import { SocketTransport } from './node/socket-transport.ts';

export type { Client } from './core/client.ts';
export { ensureOk } from './core/reply.ts';
export {
  BackendNotRunningError,
  ConnectionBrokenError,
  ProblemError,
  ReplyTimeoutError,
  SocketDeniedError,
  UnexpectedReplyError,
} from './errors.ts';
export type { NodeClient } from './node/node-client.ts';
export type { ForwardedRequest, ForwardedResponse } from './node/transport.ts';

interface LocalClientOptions {
  /** The backend's Unix domain socket, or named pipe. */
  readonly socketPath: string;
  /** Milliseconds until an answer must begin. Default 120 000. */
  readonly timeoutMs?: number;
}

/**
 * Connects to a backend on the same machine over the socket that only its owner may open.
 *
 * Its requests throw `SocketDeniedError` if this user may not open the socket, in addition to the errors of every client.
 *
 * @example
 * ```ts
 * await using client = connectLocal({ socketPath: new AICOPaths().socketFile });
 * const plugins = await client.json('/api/v1/plugins');
 * ```
 */
export function connectLocal({ socketPath, timeoutMs = 120_000 }: LocalClientOptions): NodeClient {
  return nodeClient({
    transport: new SocketTransport(socketPath, timeoutMs),
    timeoutMs,
    isLocal: true,
    known: (code, cause) => {
      if (NOT_LISTENING.has(code)) return new BackendNotRunningError(socketPath, cause);
      if (DENIED.has(code)) return new SocketDeniedError(socketPath, cause);
      return undefined;
    },
  });
}

/** Error codes of the system for a socket without a listener. */
const NOT_LISTENING: ReadonlySet<unknown> = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTSOCK', 'ENOTDIR']);
const DENIED: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM']);
