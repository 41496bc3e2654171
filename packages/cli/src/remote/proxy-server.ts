import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { NodeClient } from '@aico/client';
import { AicoError, PROBLEM_MEDIA_TYPE, type Problem } from '@aico/protocol';

/** The answer to a WebSocket, which the proxy does not carry. */
const NO_UPGRADE = [
  'HTTP/1.1 501 Not Implemented',
  'Content-Type: text/plain; charset=utf-8',
  'Connection: close',
  '',
  'aico proxy carries no WebSockets. Follow topics by GET /api/v1/events, or use @aico/client.\n',
].join('\r\n');

/** Headers of one connection, not of the message (RFC 9110, section 7.6.1). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

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
    const refusal = refusalOf(request, token);
    if (refusal === undefined) void forward(client, request, response);
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

function isSame(one: string, other: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(one), hash(other));
}

async function forward(
  client: NodeClient,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const { method = 'GET', url = '/', headers, rawHeaders } = request;
  const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
  if (!url.startsWith('/')) {
    answer(response, {
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      detail: 'This is a port for requests to one backend, not a proxy for URLs.',
      hint: 'Request the path alone, without configuring a proxy.',
    });
    return;
  }
  try {
    const reply = await client.forward({
      method,
      target: url,
      headers: [...endToEnd(rawHeaders, OF_THE_PROXY), 'Via', `${request.httpVersion} aico`],
      signal: gone.signal,
      body: hasBody ? request : undefined,
    });
    response.writeHead(reply.status, reply.statusText, endToEnd(reply.headers));
    // The body is passed on as it arrives, since an event stream has no end.
    response.flushHeaders();
    await pipeline(reply.body, response);
  } catch (error) {
    if (response.headersSent || gone.signal.aborted) response.destroy();
    else answer(response, unreachable(error));
  }
}

/** The headers that a proxy forwards: all except those of the connection, which the header `connection` may extend. */
function endToEnd(raw: readonly string[], also: ReadonlySet<string> = new Set()): string[] {
  const pairs = raw.flatMap((name, index): [string, string][] =>
    index % 2 === 0 ? [[name, raw[index + 1] ?? '']] : [],
  );
  const named = new Set(
    pairs
      .filter(([name]) => name.toLowerCase() === 'connection')
      .flatMap(([, value]) => value.split(',').map((option) => option.trim().toLowerCase())),
  );
  return pairs
    .filter(([name]) => {
      const lower = name.toLowerCase();
      return !HOP_BY_HOP.has(lower) && !also.has(lower) && !named.has(lower);
    })
    .flat();
}

function unreachable(error: unknown): Problem {
  const { code, hint, message } =
    error instanceof AicoError ? error : (new Error(String(error)) as Partial<AicoError> & Error);
  return {
    type: 'about:blank',
    title: 'Bad Gateway',
    status: 502,
    detail: message,
    ...(code === undefined ? {} : { code }),
    ...(hint === undefined ? {} : { hint }),
  };
}

function answer(response: ServerResponse, problem: Problem): void {
  response.writeHead(problem.status, {
    'content-type': PROBLEM_MEDIA_TYPE,
    connection: 'close',
    ...(problem.status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
  });
  response.end(JSON.stringify(problem));
}
