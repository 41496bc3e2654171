import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Principal } from '../core/access.ts';
import type { WaitingBytes } from '../core/gateway.ts';
import { waitingIn } from '../gateway/exchanges.ts';

/** An HTTP app that is given channels in place of sockets. */
export interface SealedApp {
  /** The returned function resolves when no request of the connection is in flight. */
  admit(connection: Duplex, principal: Principal): () => Promise<void>;
  /** The bytes of a connection that are buffered in memory. */
  waiting(connection: Duplex): WaitingBytes;
}

/** An app on a server of `node:http`: a Fastify instance, or an Express app behind `createServer`. */
export interface HttpApp {
  readonly server: Server;
  /** Resolves when the app can answer; a method of Fastify. */
  ready?(): PromiseLike<unknown>;
}

export function isHttpApp(app: SealedApp | HttpApp): app is HttpApp {
  return 'server' in app;
}

/** Passes each channel to the app's own server like an accepted socket. */
export function sealedAppOf({ server }: HttpApp): SealedApp {
  const inFlight = new WeakMap<Duplex, Set<ServerResponse>>();
  const served = new WeakSet<Duplex>();
  const idle = new WeakMap<Duplex, () => void>();
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const responses = inFlight.get(socket);
    // This connection did not come through a channel.
    if (responses === undefined) return;
    responses.add(response);
    if (!served.has(socket)) {
      served.add(socket);
      // The timeout of the channel covers the time before the first request; from here on the server sets timeouts.
      socket.setTimeout(0);
    }
    response.on('close', () => {
      responses.delete(response);
      if (responses.size === 0) idle.get(socket)?.();
    });
  });
  return {
    admit(connection) {
      const responses = new Set<ServerResponse>();
      inFlight.set(connection, responses);
      server.emit('connection', connection);
      return async () => {
        if (responses.size === 0) return;
        await new Promise<void>((resolve) => idle.set(connection, resolve));
      };
    },
    waiting: (connection) => waitingIn(connection, inFlight.get(connection) ?? []),
  };
}
