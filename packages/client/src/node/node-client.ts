import type { paths } from '../core/api.ts';
import { Calls } from '../core/calls.ts';
import { type Client, clientOver } from '../core/client.ts';
import { failureOf } from '../core/failure.ts';
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

export interface NodeClientOptions {
  readonly transport: NodeTransport;
  readonly timeoutMs: number;
  /** A more specific error than a broken connection for a code of the system, if there is one. */
  readonly known?: (code: unknown, cause: Error) => Error | undefined;
  close?(): void;
}

export function nodeClient<Paths extends object = paths>({
  transport,
  timeoutMs,
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
    transport: transport.send,
    calls,
    async close() {
      close?.();
      await transport.close();
    },
  });
  return {
    ...client,
    forward: (request) => {
      const { method, body, signal } = request;
      const isRepeatable = body === undefined && ['GET', 'HEAD', 'OPTIONS'].includes(method);
      return calls.run({ signal, isRepeatable }, () => transport.forward(request));
    },
  };
}
