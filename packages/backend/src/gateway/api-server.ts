import { randomUUID } from 'node:crypto';
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Duplex } from 'node:stream';
import { PROBLEM_MEDIA_TYPE, type Problem } from '@aico/protocol';
import { requestOfUpgrade } from './web-socket.ts';

/** Milliseconds until the headers of a request are there. */
const HEADERS_MS = 60_000;

/** What Node refuses before there is a request, by the code of its error. */
const REFUSALS: Readonly<Record<string, readonly [status: number, detail: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'The headers are larger than core.api_gateway.max_header_kib.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'The chunk extensions are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The headers did not come in time.'],
};

export interface ApiServerOptions {
  readonly serve: (request: IncomingMessage, response: ServerResponse) => void;
  /** Whether an upgrade may be handed to `serve`; any other is a request as if it had asked for none. */
  readonly takesWebSocket: (request: IncomingMessage) => boolean;
  /** How long a connection may rest between two requests. */
  readonly keepAliveMs: number;
  /** Bytes of the largest head. */
  readonly maxHeaderBytes: number;
}

/**
 * The server that channels and local connections are served by: what Node itself refuses is answered with a problem as
 * well. A body may take as long as it takes.
 */
export function createApiServer({
  serve,
  takesWebSocket,
  keepAliveMs,
  maxHeaderBytes,
}: ApiServerOptions): Server {
  // What a connection has, and not what its requests have: an entry for each of these would outlive every young collection.
  const latest = new WeakMap<Duplex, { response: ServerResponse }>();
  const server = createServer(
    {
      keepAliveTimeout: keepAliveMs,
      headersTimeout: HEADERS_MS,
      requestTimeout: 0,
      maxHeaderSize: maxHeaderBytes,
      // Answered below, with a problem.
      requireHostHeader: false,
      shouldUpgradeCallback: takesWebSocket,
    },
    (request, response) => {
      const { socket } = request;
      const known = latest.get(socket);
      if (known === undefined) {
        latest.set(socket, { response });
        // Whoever handed it over may have had it watched until now; from here on Node does, between requests alone.
        socket.setTimeout(0);
      } else known.response = response;
      if (request.headers.host !== undefined || request.httpVersion !== '1.1') serve(request, response);
      else answer(response, refusal(400, 'A request of HTTP/1.1 has a Host.'), { Connection: 'close' });
    },
  );
  server.on('upgrade', (request, socket, head) => serve(request, requestOfUpgrade(request, socket, head)));
  server.on('checkExpectation', (_request, response) =>
    answer(response, refusal(417, 'The only expectation there is is 100-continue.')),
  );
  server.on('connect', (_request, socket) => end(socket, refusal(405, 'This is no proxy.')));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // In the middle of an answer another would be read as a part of it.
    if (latest.get(socket)?.response.closed === false) {
      socket.destroy();
      return;
    }
    const [status, detail] = REFUSALS[error.code ?? ''] ?? [400, 'This is no request of HTTP/1.1.'];
    end(socket, refusal(status, detail));
  });
  return server;
}

/** Answers with a problem, where there is no Fastify to do it. */
export function answer(
  response: ServerResponse,
  problem: Problem,
  headers: Readonly<Record<string, string>> = {},
): void {
  const own = { 'Content-Type': PROBLEM_MEDIA_TYPE, 'X-Request-Id': problem.request_id ?? '' };
  response.writeHead(problem.status, { ...own, ...headers });
  response.end(JSON.stringify(problem));
}

function refusal(status: number, detail: string): Problem {
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Bad Request',
    status,
    detail,
    code: 'AICO_GATEWAY_BAD_REQUEST',
    request_id: randomUUID(),
  };
}

/** Answers on a connection that has no request to answer, and ends it. */
function end(socket: Duplex, problem: Problem): void {
  socket.on('error', () => {});
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = JSON.stringify(problem);
  socket.once('finish', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\nContent-Type: ${PROBLEM_MEDIA_TYPE}\r\n` +
      `X-Request-Id: ${problem.request_id}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
