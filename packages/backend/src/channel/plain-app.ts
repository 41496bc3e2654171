import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Principal } from '../core/access.ts';
import type { WaitingBytes } from '../core/gateway.ts';
import { waitingIn } from '../gateway/exchanges.ts';

/** An HTTP app, as what takes connections: it is handed each channel in the place of a socket. */
export interface SealedApp {
  /** The returned function resolves when no request of the connection is in flight. */
  admit(connection: Duplex, principal: Principal): () => Promise<void>;
  /** The bytes of a connection that are buffered in memory. */
  waiting(connection: Duplex): WaitingBytes;
}

/** Whatever stands on a server of `node:http`: a Fastify, an Express behind `createServer`. */
export interface HttpApp {
  readonly server: Server;
  /** Fastify's: resolves when it can answer. */
  ready?(): PromiseLike<unknown>;
}

export function isHttpApp(app: SealedApp | HttpApp): app is HttpApp {
  return 'server' in app;
}

/** Hands each channel to the app's own server, as if a socket had come in. */
export function sealedAppOf({ server }: HttpApp): SealedApp {
  const inFlight = new WeakMap<Duplex, Set<ServerResponse>>();
  const served = new WeakSet<Duplex>();
  const idle = new WeakMap<Duplex, () => void>();
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const responses = inFlight.get(socket);
    // One that came in another way is none of ours.
    if (responses === undefined) return;
    responses.add(response);
    if (!served.has(socket)) {
      served.add(socket);
      // The channel's own time is for what rests before a request; from here on the server keeps the times.
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
