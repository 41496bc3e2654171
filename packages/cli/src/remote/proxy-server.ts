import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { NodeClient } from '@aico/client';
import type { Problem } from '@aico/protocol';
import { answer, forward, isSame } from './forwarding.ts';

/** The answer to a WebSocket, which the proxy does not carry. */
const NO_UPGRADE = [
  'HTTP/1.1 501 Not Implemented',
  'Content-Type: text/plain; charset=utf-8',
  'Connection: close',
  '',
  'aico proxy carries no WebSockets. Follow topics by GET /api/v1/events, or use @aico/client.\n',
].join('\r\n');

/** Headers for the proxy itself, which are not forwarded. */
const OF_THE_PROXY: ReadonlySet<string> = new Set(['authorization', 'host']);

interface ProxyOptions {
  readonly client: NodeClient;
  /** The token required in a request: `Authorization: Bearer TOKEN`, or any user with the token as the password. */
  readonly token: string;
}

/**
 * Forwards requests to a backend and responses back, byte for byte, streaming bodies both ways. Requests without the token are
 * refused, and so are requests of web pages, which have an `Origin` or a foreign `Host`.
 */
export function createProxy({ client, token }: ProxyOptions): Server {
  const server = createServer((request, response) => {
    const refusal = refusalOf(request, token) ?? refusalOfTarget(request);
    if (refusal === undefined)
      void forward({ client, isForwarded: (name) => !OF_THE_PROXY.has(name) }, request, response);
    else answer(response, refusal);
  });
  server.on('upgrade', (_request, socket) => {
    socket.on('error', () => socket.destroy());
    socket.end(NO_UPGRADE);
  });
  return server;
}

function refusalOf({ headers }: IncomingMessage, token: string): Problem | undefined {
  const host = URL.parse(`http://${headers.host ?? ''}`)?.hostname;
  if (headers.origin !== undefined || (host !== '127.0.0.1' && host !== 'localhost'))
    return {
      type: 'about:blank',
      title: 'Forbidden',
      status: 403,
      detail: 'This port is for tools on this machine.',
    };
  if (isSame(shown(headers.authorization ?? ''), token)) return undefined;
  return {
    type: 'about:blank',
    title: 'Unauthorized',
    status: 401,
    detail: 'The token that `aico proxy` printed is missing or wrong.',
    hint: "Send it as 'Authorization: Bearer TOKEN'.",
  };
}

function shown(authorization: string): string {
  const [scheme = '', value = ''] = authorization.split(' ');
  if (scheme.toLowerCase() === 'bearer') return value;
  return Buffer.from(value, 'base64').toString().split(':').slice(1).join(':');
}

function refusalOfTarget({ url = '/' }: IncomingMessage): Problem | undefined {
  if (url.startsWith('/')) return undefined;
  return {
    type: 'about:blank',
    title: 'Bad Request',
    status: 400,
    detail: 'This is a port for requests to one backend, not a proxy for URLs.',
    hint: 'Request the path alone, without configuring a proxy.',
  };
}
