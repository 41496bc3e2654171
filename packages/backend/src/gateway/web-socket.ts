import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';
import type { GatewayApp } from '../core/gateway.ts';
import type { PeerGuard } from '../core/peer-guard.ts';
import { UpgradeRequiredError, WebSocketGoneError } from './errors.ts';
import { problemOf } from './problems.ts';
import { endWithProblem } from './raw-reply.ts';
import { requestIdOf } from './request-id.ts';
import { connectionOf } from './upgrades.ts';

/** The largest message a client may send, in bytes. */
const MAX_MESSAGE = 1_048_576;
/** Milliseconds that a client has to answer the closing handshake of its socket. */
const CLOSE_MS = 500;
/** RFC 6455, 7.4.1: the server is going away. */
const GOING_AWAY = 1001;
/** 16 bytes in base64: RFC 6455, 4.1. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;

/** Lets routes of `app` accept WebSockets. `onOpen` gets a function that closes the socket. */
export function installWebSockets(
  app: GatewayApp,
  guard: PeerGuard,
  onOpen: (response: ServerResponse, close: () => void) => void,
): void {
  const webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE,
  });
  webSockets.on('headers', (headers, request) => headers.push(`X-Request-Id: ${requestIdOf(request)}`));
  // The library would answer other malformed requests, such as a bad list of extensions, with a page of its own.
  webSockets.on('wsClientError', (_error, socket, request) =>
    endWithProblem(socket, problemOf(new UpgradeRequiredError(), requestIdOf(request))),
  );
  app.decorateRequest('acceptWebSocket', function (this: FastifyRequest, reply: FastifyReply) {
    const upgrade = connectionOf(this.raw);
    const { headers } = this.raw;
    if (
      upgrade === undefined ||
      headers.upgrade?.toLowerCase() !== 'websocket' ||
      !KEY.test(headers['sec-websocket-key'] ?? '') ||
      headers['sec-websocket-version'] !== '13'
    )
      return Promise.reject(new UpgradeRequiredError());
    reply.hijack();
    return new Promise<WebSocket>((resolve, reject) => {
      // No other event reports a refusal, or a client that has disconnected.
      upgrade.socket.once('close', () => reject(new WebSocketGoneError()));
      webSockets.handleUpgrade(this.raw, upgrade.socket, upgrade.head, (webSocket) => {
        // Its listeners belong to the route, which may lack one for `error`.
        const connection = { destroy: () => webSocket.terminate() };
        guard.watchEvents(webSocket, () => connection);
        webSocket.on('error', () => {});
        onOpen(reply.raw, () => closeNow(webSocket));
        // Data that came with the request must not be emitted before the route listens.
        webSocket.pause();
        setImmediate(() => guard.call(upgrade.socket, () => webSocket.resume(), undefined));
        resolve(webSocket);
      });
    });
  });
}

function closeNow(webSocket: WebSocket): void {
  webSocket.close(GOING_AWAY);
  const timer = setTimeout(() => webSocket.terminate(), CLOSE_MS);
  webSocket.once('close', () => clearTimeout(timer));
}
