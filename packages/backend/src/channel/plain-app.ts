import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { SealedApp } from './encryption-middleware.ts';

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
  const inFlight = new WeakMap<Duplex, number>();
  const served = new WeakSet<Duplex>();
  const idle = new WeakMap<Duplex, () => void>();
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const count = inFlight.get(socket);
    // One that came in another way is none of ours.
    if (count === undefined) return;
    inFlight.set(socket, count + 1);
    if (!served.has(socket)) {
      served.add(socket);
      // The channel's own time is for what rests before a request; from here on the server keeps the times.
      socket.setTimeout(0);
    }
    response.on('close', () => {
      const left = (inFlight.get(socket) ?? 1) - 1;
      inFlight.set(socket, left);
      if (left === 0) idle.get(socket)?.();
    });
  });
  return {
    admit(connection) {
      inFlight.set(connection, 0);
      server.emit('connection', connection);
      return async () => {
        if ((inFlight.get(connection) ?? 0) === 0) return;
        await new Promise<void>((resolve) => idle.set(connection, resolve));
      };
    },
  };
}
