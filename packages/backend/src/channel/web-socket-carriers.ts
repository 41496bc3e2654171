import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocketServer } from 'ws';
import type { PeerGuard } from '../core/peer-guard.ts';

/** Milliseconds that a client has to answer the closing handshake of its WebSocket, even of a refused one. */
const CLOSE_MS = 1_000;

/** Accepts WebSockets, in which browsers open channels. */
export class WebSocketCarriers {
  readonly #guard: PeerGuard;
  readonly #server: WebSocketServer;

  constructor(guard: PeerGuard, subprotocol: string) {
    this.#guard = guard;
    // A separate variable, since the types lack `closeTimeout`.
    const options = {
      noServer: true,
      closeTimeout: CLOSE_MS,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: 131_072,
      handleProtocols: (offered: ReadonlySet<string>) => offered.has(subprotocol) && subprotocol,
    };
    this.#server = new WebSocketServer(options);
  }

  /** Completes the handshake of a WebSocket and passes on its bytes. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, use: (carrier: Duplex) => void): void {
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      const carrier = this.#guard.watch(createWebSocketStream(webSocket));
      this.#guard.watchEvents(webSocket, () => carrier);
      use(carrier);
    });
  }
}
