import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';
import type { Client } from '@aico/client';
import { AicoError, PROBLEM_MEDIA_TYPE, type Problem } from '@aico/protocol';

/** The answer to a WebSocket, which the proxy does not carry. */
const NO_UPGRADE = [
  'HTTP/1.1 501 Not Implemented',
  'Content-Type: text/plain; charset=utf-8',
  'Connection: close',
  '',
  'aico proxy carries no WebSockets. Follow topics by GET /api/v1/events, or use @aico/client.\n',
].join('\r\n');

/** Headers of one connection, not of the request (RFC 9110, 7.6.1), and those that are this proxy's own. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export interface ProxyOptions {
  readonly client: Client;
  /** What a request must show: `Authorization: Bearer TOKEN`, or any user with the token as the password. */
  readonly token: string;
}

/**
 * Hands requests on to a backend and answers back, bodies streaming both ways. Whoever does not show the token gets
 * nothing; neither does a page of a browser, whatever it shows: its `Origin` or a foreign `Host` is refused.
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

async function forward(client: Client, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const { method = 'GET', url = '/', headers } = request;
  const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
  try {
    const reply = await client.fetch(url, {
      method,
      headers: Object.entries(headers).flatMap(([name, value]): [string, string][] =>
        OF_THE_CONNECTION.has(name) || value === undefined ? [] : [[name, [value].flat().join(', ')]],
      ),
      signal: gone.signal,
      redirect: 'manual',
      // Node's own stream of the same name, of which this file and fetch hold different types.
      ...(hasBody
        ? { body: Readable.toWeb(request) as unknown as ReadableStream, duplex: 'half' as const }
        : {}),
    });
    response.writeHead(
      reply.status,
      [...reply.headers].filter(([name]) => !OF_THE_CONNECTION.has(name)).flat(),
    );
    // What comes is shown as it comes: an event stream has no end.
    response.flushHeaders();
    if (reply.body === null) response.end();
    else await pipeline(Readable.fromWeb(reply.body as unknown as NodeReadableStream), response);
  } catch (error) {
    if (response.headersSent || gone.signal.aborted) response.destroy();
    else answer(response, unreachable(error));
  }
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
