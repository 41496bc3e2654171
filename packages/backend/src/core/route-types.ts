import type { WebSocket } from 'ws';
import type { Access, Principal } from './access.ts';

// Members that the gateway adds to Fastify for the routes of plugins. They are declared here, and not where each is implemented, so
// that the declarations of the package contain them.
declare module 'fastify' {
  interface FastifyContextConfig {
    /** The capability that a caller needs; `'public'` for every paired device. */
    access?: Access;
    /**
     * The reply continues until its reader leaves, as with server-sent events. A stop does not wait for it, and ends it when
     * all other requests have been answered; removing the routes does the same.
     */
    endless?: boolean;
    /**
     * The route supports the header `Idempotency-Key`: its handler calls `idempotency.run(request, …)`. Any other route refuses
     * a POST or PATCH with the header, since its sender would repeat the request as if that were safe.
     */
    idempotent?: boolean;
    /** The route accepts WebSockets: it calls `request.acceptWebSocket(reply)`. */
    webSocket?: boolean;
  }
  interface FastifyRequest {
    /** The sender of the request. */
    principal: Principal;
    /**
     * The trace context of the request (W3C Trace Context): continued from its sender, or new with the request's id. Pass it on
     * with requests to other services; log lines and messages on the bus include it automatically.
     */
    readonly traceparent: string;
    /**
     * Accepts the request as a WebSocket, in the channel it came through, after authorisation and middleware. Listen for its
     * messages at once. It is closed with the routes; nothing else may be sent as a reply.
     *
     * @throws {UpgradeRequiredError} when the request does not ask for an upgrade
     * @throws {WebSocketGoneError} when its client disconnects meanwhile
     */
    acceptWebSocket(reply: FastifyReply): Promise<WebSocket>;
  }
  interface FastifyReply {
    /**
     * Sets how a stop ends this reply of an endless route, if ending the response is not enough: a stream being sent has to be
     * ended itself.
     */
    endBy(end: () => void): void;
  }
}
