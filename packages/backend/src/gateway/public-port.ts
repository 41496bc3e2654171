import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Newcomer, type NewcomerLimits, Newcomers } from './newcomers.ts';
import { comesFromElsewhere, namesThisMachine } from './own-host.ts';
import { answerProbe, type ReadinessProbe } from './probes.ts';
import { refuse, refuseBytes } from './refusal.ts';

export interface PublicPortOptions {
  readonly readiness: ReadinessProbe;
  readonly allowedHosts: readonly string[];
  /** Connections that are no channels, or none yet. */
  readonly newcomers: NewcomerLimits;
  /** Takes a connection over that asks for a channel. @returns whether it did */
  readonly openChannel: (
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    newcomer: Newcomer,
  ) => boolean;
}

/**
 * The server of the public port. It answers liveness and readiness, lets channels be opened, and has one refusal, always
 * the same bytes, for everything else: Node's own answers (400, 408, 417, 431, `100 Continue`) are replaced by it too.
 */
export function createPublicServer({
  readiness,
  allowedHosts,
  newcomers: limits,
  openChannel,
}: PublicPortOptions): Server {
  const newcomers = new Newcomers(limits);
  const known = new WeakMap<Duplex, Newcomer>();
  const refused = new WeakSet<Duplex>();
  const turnAway = (request: IncomingMessage, response: ServerResponse): void => {
    refused.add(request.socket);
    refuse(response);
  };
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const own = namesThisMachine(request, allowedHosts) && !comesFromElsewhere(request);
    if (!own || !answerProbe(request, response, readiness, false)) turnAway(request, response);
  };
  // The port takes no bodies and holds no conversations: whoever lingers is cut.
  const server = createServer(
    {
      headersTimeout: 5_000,
      requestTimeout: 5_000,
      keepAliveTimeout: 2_000,
      connectionsCheckingInterval: 1_000,
      // A missing Host is refused as everything else is, not by Node.
      requireHostHeader: false,
    },
    serve,
  );
  server.on('connection', (socket) => {
    const newcomer = newcomers.admit(socket.remoteAddress ?? '', () => socket.destroy());
    known.set(socket, newcomer);
    socket.once('close', () => newcomer.leave());
  });
  server.on('checkContinue', turnAway);
  server.on('checkExpectation', turnAway);
  server.on('connect', (_request, socket) => refuseBytes(socket));
  server.on('clientError', (_error, socket) => {
    // What follows a request that was refused, its body say, gets no answer of its own.
    if (refused.has(socket)) socket.end();
    else refuseBytes(socket);
  });
  server.on('upgrade', (request, socket, head) => {
    // A page from anywhere may open a channel: what is in it is sealed, and proves who is there.
    const newcomer = known.get(socket);
    if (
      newcomer === undefined ||
      !namesThisMachine(request, allowedHosts) ||
      !openChannel(request, socket, head, newcomer)
    )
      refuseBytes(socket);
  });
  return server;
}
