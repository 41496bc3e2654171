import type { Problem } from '@aico/protocol';
import { Agent, fetch, type RequestInit, type Response } from 'undici';
import {
  BackendNotRunningError,
  ConnectionBrokenError,
  ProblemError,
  ReplyTimeoutError,
  SocketDeniedError,
  UnexpectedReplyError,
} from './errors.ts';

export {
  BackendNotRunningError,
  ConnectionBrokenError,
  ProblemError,
  ReplyTimeoutError,
  SocketDeniedError,
  UnexpectedReplyError,
} from './errors.ts';
export type { RequestInit, Response };

export interface LocalClientOptions {
  /** The backend's Unix domain socket, or named pipe. */
  readonly socketPath: string;
  /** Milliseconds until an answer must have begun. Default 120 000. */
  readonly timeoutMs?: number;
}

/** A client of one backend. */
export interface LocalClient extends AsyncDisposable {
  /**
   * `fetch` with a path for an address. Answers of every status are answers. What an `init.signal` is aborted with is
   * thrown as it is.
   *
   * @throws {BackendNotRunningError} when nobody serves the socket
   * @throws {SocketDeniedError} when this user may not open it
   * @throws {ReplyTimeoutError} when no answer begins in time
   * @throws {ConnectionBrokenError} when the connection breaks
   */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /**
   * Asks for JSON and gives it; `undefined` where the answer has no body.
   *
   * @throws {ProblemError} when the backend refuses
   * @throws {UnexpectedReplyError} when the answer is no JSON
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
 * const plugins = await client.json('/api/v1/system/plugins');
 * ```
 */
export function connectLocal({ socketPath, timeoutMs = 120_000 }: LocalClientOptions): LocalClient {
  // Event streams stay silent for as long as nothing happens: only the backend's word ends a body.
  const dispatcher = new Agent({
    connect: { socketPath, timeout: timeoutMs },
    bodyTimeout: 0,
    headersTimeout: timeoutMs,
  });
  const explain = (error: unknown): unknown => failureOf(error, socketPath, timeoutMs);
  const request = async (path: string, init: RequestInit = {}): Promise<Response> => {
    if (!path.startsWith('/')) throw new TypeError(`a path begins with a slash: "${path}"`);
    try {
      return await fetch(`http://aico.local${path}`, { ...init, dispatcher });
    } catch (error) {
      throw init.signal?.aborted ? error : explain(error);
    }
  };
  const close = (): Promise<void> => dispatcher.destroy();
  return {
    fetch: request,
    async json(path, init) {
      const response = await request(path, init);
      await ensureOk(response);
      const text = await response.text().catch((error: unknown) => {
        throw init?.signal?.aborted ? error : explain(error);
      });
      return text === '' ? undefined : parse(text, response.status);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * Turns a refusal into the error it describes; an answer below 400 is left as it is, its body unread.
 *
 * @throws {ProblemError} with the code and the hint of the backend (RFC 9457)
 * @throws {UnexpectedReplyError} when the refusal is no problem as RFC 9457 has it
 * @example await ensureOk(await client.fetch('/api/v1/notes/7', { method: 'DELETE' }));
 */
export async function ensureOk(response: Response): Promise<void> {
  if (response.status < 400) return;
  let body: unknown;
  try {
    body = await response.json();
  } catch (error) {
    throw new UnexpectedReplyError(response.status, 'and not with a problem', error);
  }
  if (isProblem(body)) throw new ProblemError(body);
  throw new UnexpectedReplyError(response.status, 'and not with a problem');
}

function parse(text: string, status: number): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UnexpectedReplyError(status, 'and not with JSON', error);
  }
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

/** Enough of RFC 9457 to be shown; the schema would cost the command line more time than all the rest. */
function isProblem(body: unknown): body is Problem {
  if (typeof body !== 'object' || body === null) return false;
  const isText = (name: string): boolean => {
    const value: unknown = Reflect.get(body, name);
    return value === undefined || typeof value === 'string';
  };
  return (
    'title' in body &&
    typeof body.title === 'string' &&
    'status' in body &&
    typeof body.status === 'number' &&
    ['detail', 'code', 'hint'].every(isText)
  );
}
