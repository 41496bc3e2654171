import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { PROBLEM_MEDIA_TYPE, type Problem } from '@aico/protocol';
import type { PeerGuard } from '../core/peer-guard.ts';
import type { Exchanges } from './exchanges.ts';
import { createGuardedServer } from './guarded-server.ts';
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
  readonly exchanges: Exchanges;
  readonly guard: PeerGuard;
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
  exchanges,
  guard,
  serve,
  takesWebSocket,
  keepAliveMs,
  maxHeaderBytes,
}: ApiServerOptions): Server {
  const isFree = (connection: Duplex): boolean =>
    !exchanges.isOver(connection) && !exchanges.isAnswering(connection);
  const answerLast = ({ socket }: IncomingMessage, response: ServerResponse, problem: Problem): void => {
    exchanges.endAfter(socket, response);
    answer(response, problem, { Connection: 'close' });
  };
  const server = createGuardedServer(guard, {
    keepAliveTimeout: keepAliveMs,
    headersTimeout: HEADERS_MS,
    requestTimeout: 0,
    maxHeaderSize: maxHeaderBytes,
    // Answered below, with a problem.
    requireHostHeader: false,
    // A connection is handed over only when nothing else is to be written on it. An upgrade that was sent before an earlier
    // answer had ended is served as a request that asks for no upgrade.
    shouldUpgradeCallback: (request) => isFree(request.socket) && takesWebSocket(request),
  });
  server.on('request', (request, response) => {
    const { socket } = request;
    if (exchanges.isOver(socket)) return;
    if (exchanges.isFull(socket)) {
      exchanges.endAfter(socket, response);
      socket.destroy();
      return;
    }
    // Whoever handed it over may have had it watched until now; from here on Node does, between requests alone.
    if (exchanges.begin(socket, response)) socket.setTimeout(0);
    // The parser loses what follows an upgrade that it was told not to make.
    if (request.headers.upgrade !== undefined) {
      exchanges.endAfter(socket, response);
      response.shouldKeepAlive = false;
    }
    if (request.headers.host !== undefined || request.httpVersion !== '1.1') serve(request, response);
    else answerLast(request, response, refusal(400, 'A request of HTTP/1.1 has a Host.'));
  });
  server.on('upgrade', (request, socket, head) => {
    const response = requestOfUpgrade(guard, request, socket, head);
    exchanges.endAfter(socket, response);
    serve(request, response);
  });
  server.on('checkExpectation', (request, response) => {
    if (!exchanges.isOver(request.socket))
      answerLast(request, response, refusal(417, 'The only expectation there is is 100-continue.'));
  });
  server.on('connect', (_request, socket) => {
    if (isFree(socket)) end(socket, refusal(405, 'This is no proxy.'));
    else socket.destroy();
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // In the middle of an answer another would be read as a part of it.
    if (!isFree(socket)) {
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
