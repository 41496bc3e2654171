import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { PeerGuard } from '../core/peer-guard.ts';
import type { Exchanges } from './exchanges.ts';
import { createGuardedServer } from './guarded-server.ts';
import { badRequest } from './problems.ts';
import { answerProblem, endWithProblem } from './raw-reply.ts';
import { requestIdOf } from './request-id.ts';
import { requestOfUpgrade } from './upgrades.ts';

/** Milliseconds until the headers of a request must be complete. */
const HEADERS_MS = 60_000;

/** Replies to requests that Node refuses, by error code. */
const REFUSALS: Readonly<Record<string, readonly [status: number, detail: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'The headers are larger than core.api_gateway.max_header_kib.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'The chunk extensions are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The headers did not come in time.'],
};

interface ApiServerOptions {
  readonly exchanges: Exchanges;
  readonly guard: PeerGuard;
  readonly serve: (request: IncomingMessage, response: ServerResponse) => void;
  /** Whether an upgrade may be passed to `serve`; any other is served as a request without upgrade. */
  readonly mayTakeWebSocket: (request: IncomingMessage) => boolean;
  /** Milliseconds that a connection may be idle between two requests. */
  readonly keepAliveMs: number;
  /** The largest head in bytes. */
  readonly maxHeaderBytes: number;
}

/**
 * The server for channels and local connections. Requests that Node refuses are answered with a problem as well. A body has no
 * deadline.
 */
export function createApiServer({
  exchanges,
  guard,
  serve,
  mayTakeWebSocket,
  keepAliveMs,
  maxHeaderBytes,
}: ApiServerOptions): Server {
  const isFree = (connection: Duplex): boolean =>
    !exchanges.isOver(connection) && !exchanges.isAnswering(connection);
  const refuse = (
    request: IncomingMessage,
    response: ServerResponse,
    status: number,
    detail: string,
  ): void => {
    exchanges.endAfter(request.socket, response);
    answerProblem(response, badRequest(status, detail, requestIdOf(request)), { Connection: 'close' });
  };
  const end = (socket: Duplex, status: number, detail: string): void =>
    endWithProblem(socket, badRequest(status, detail, randomUUID()));
  const server = createGuardedServer(guard, {
    keepAliveTimeout: keepAliveMs,
    headersTimeout: HEADERS_MS,
    requestTimeout: 0,
    maxHeaderSize: maxHeaderBytes,
    // Answered below, with a problem.
    requireHostHeader: false,
    // An upgrade needs a connection without pending answers. If it was sent before an earlier answer had ended, it is served as
    // a request without upgrade.
    shouldUpgradeCallback: (request) => isFree(request.socket) && mayTakeWebSocket(request),
  });
  const serveWithHost = (request: IncomingMessage, response: ServerResponse): void => {
    // Node keeps the first of several, and a proxy in front may have kept the last (RFC 9112, 3.2).
    const { host = [] } = request.headersDistinct;
    if (host.length > 1) refuse(request, response, 400, 'A request has one Host.');
    else if (!hasKnownCoding(request))
      refuse(request, response, 501, 'The only transfer coding that is known is chunked.');
    else if (host.length === 1 || request.httpVersion !== '1.1') serve(request, response);
    else refuse(request, response, 400, 'A request of HTTP/1.1 has a Host.');
  };
  server.on('request', (request, response) => {
    const { socket } = request;
    if (exchanges.isOver(socket)) return;
    if (exchanges.isFull(socket)) {
      exchanges.endAfter(socket, response);
      socket.destroy();
      return;
    }
    // Set here, so that every reply has it, even one that a route writes itself.
    response.setHeader('X-Request-Id', requestIdOf(request));
    // A channel sets a timeout until the first request; from here on Node times the connection between requests.
    if (exchanges.begin(socket, response)) socket.setTimeout(0);
    // After a refused upgrade the parser loses the bytes that follow.
    if (request.headers.upgrade !== undefined) {
      exchanges.endAfter(socket, response);
      response.shouldKeepAlive = false;
    }
    serveWithHost(request, response);
  });
  server.on('upgrade', (request, socket, head) => {
    const response = requestOfUpgrade(guard, request, socket, head);
    response.setHeader('X-Request-Id', requestIdOf(request));
    exchanges.endAfter(socket, response);
    serveWithHost(request, response);
  });
  server.on('checkExpectation', (request, response) => {
    if (!exchanges.isOver(request.socket))
      refuse(request, response, 417, 'The only expectation that is met is 100-continue.');
  });
  server.on('connect', (_request, socket) => {
    if (isFree(socket)) end(socket, 405, 'This is no proxy.');
    else socket.destroy();
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // A second answer within an answer would be read as a part of it.
    if (!isFree(socket)) {
      socket.destroy();
      return;
    }
    const [status, detail] = REFUSALS[error.code ?? ''] ?? [400, 'This is no request of HTTP/1.1.'];
    end(socket, status, detail);
  });
  return server;
}

/** Whether the body is delimited by its length or by chunks. The parser reads no other (RFC 9112, 6.1). */
function hasKnownCoding({ headers: { 'transfer-encoding': coding } }: IncomingMessage): boolean {
  return coding === undefined || coding.trim().toLowerCase() === 'chunked';
}
