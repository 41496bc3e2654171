import { text } from 'node:stream/consumers';
import { parseJson } from '@aico/protocol';
import type { paths } from '../core/api.ts';
import { Calls } from '../core/calls.ts';
import { type Client, clientOver } from '../core/client.ts';
import { failureOf } from '../core/failure.ts';
import { fetchOver } from '../core/http-fetch.ts';
import { targetOf } from '../core/http-message.ts';
import { ensureOk, parseReply } from '../core/reply.ts';
import { ReplyTimeoutError } from '../errors.ts';
import type { ForwardedRequest, ForwardedResponse, NodeTransport } from './transport.ts';

/** A client in Node. */
export interface NodeClient<Paths extends object = paths> extends Client<Paths> {
  /**
   * Sends a request unchanged and returns the unchanged response, for proxies: no header is added, no redirect followed and no
   * content coding decoded. The body has to be read or destroyed. Fails as `fetch` does.
   *
   * @example const { status, headers, body } = await client.forward({ method: 'GET', target: '/livez', headers: [] });
   */
  forward(request: ForwardedRequest): Promise<ForwardedResponse>;
}

interface NodeClientOptions {
  readonly transport: NodeTransport;
  readonly timeoutMs: number;
  /** Whether it stays on this machine, where content codings only cost time. */
  readonly isLocal?: boolean;
  /** A more specific error than a broken connection for a code of the system, if there is one. */
  readonly known?: (code: unknown, cause: Error) => Error | undefined;
  close?(): void;
}

export function nodeClient<Paths extends object = paths>({
  transport,
  timeoutMs,
  isLocal = false,
  known,
  close,
}: NodeClientOptions): NodeClient<Paths> {
  const calls = new Calls((error) =>
    failureOf(error, (code, cause) => {
      if (code === 'UND_ERR_HEADERS_TIMEOUT') return new ReplyTimeoutError(timeoutMs, cause);
      if (code === 'UND_ERR_INVALID_ARG') return new TypeError(cause.message);
      return known?.(code, cause);
    }),
  );
  const client = clientOver<Paths>({
    fetch: fetchOver(transport.send),
    calls,
    async close() {
      close?.();
      await transport.close();
    },
  });
  const forward: NodeClient['forward'] = (request) => {
    const { method, body, signal } = request;
    const isRepeatable = body === undefined && ['GET', 'HEAD', 'OPTIONS'].includes(method);
    return calls.run({ signal, isRepeatable }, () => transport.forward(request));
  };
  const fetchJson = client.json;
  // Not spread into another object, which would make `api` at once.
  return Object.assign(client, {
    forward,
    async json(path: string, init: RequestInit = {}): Promise<unknown> {
      if (!isLocal || !isPlainGet(path, init)) return fetchJson(path, init);
      const response = await forward({ method: 'GET', target: targetOf(path), headers: ['accept', '*/*'] });
      const { status, body } = response;
      if (!isPlainReply(response)) {
        body.on('error', () => {}).destroy();
        return fetchJson(path, init);
      }
      const content = await calls.run({ signal: undefined, isRepeatable: false }, () => text(body));
      await ensureOk({ status, json: async () => parseJson(content) });
      return parseReply(content, status);
    },
  });
}

/**
 * Whether a request has nothing that only `fetch` knows how to send. On the local socket it does without the `Response` of Node.js, which
 * takes longer to load than the backend takes to answer.
 */
function isPlainGet(path: string, { method = 'GET', ...others }: RequestInit): boolean {
  return path.startsWith('/') && method === 'GET' && Object.keys(others).length === 0;
}

/** Whether a reply is neither a redirection nor encoded nor of a status that `fetch` refuses. */
function isPlainReply({ status, headers }: ForwardedResponse): boolean {
  const isEncoded = headers.some((name, index) => index % 2 === 0 && /^content-encoding$/i.test(name));
  return !isEncoded && status >= 200 && status <= 599 && (status < 300 || status >= 400);
}
