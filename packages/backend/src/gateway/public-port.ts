import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { PeerGuard } from '../core/peer-guard.ts';
import { Exchanges } from './exchanges.ts';
import { createGuardedServer } from './guarded-server.ts';
import { type Newcomer, type NewcomerLimits, Newcomers } from './newcomers.ts';
import { comesFromElsewhere, namesThisMachine } from './own-host.ts';
import { answerProbe, type ReadinessProbe } from './probes.ts';
import { refuse, refuseBytes } from './refusal.ts';

export interface PublicPortOptions {
  readonly guard: PeerGuard;
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
  guard,
  readiness,
  allowedHosts,
  newcomers: limits,
  openChannel,
}: PublicPortOptions): Server {
  const newcomers = new Newcomers(limits);
  const known = new WeakMap<Duplex, Newcomer>();
  const exchanges = new Exchanges();
  const isFree = (connection: Duplex): boolean =>
    !exchanges.isOver(connection) && !exchanges.isAnswering(connection);
  const turnAway = (request: IncomingMessage, response: ServerResponse): void => {
    if (exchanges.isOver(request.socket)) return;
    exchanges.endAfter(request.socket, response);
    refuse(response);
  };
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    if (exchanges.isOver(request.socket)) return;
    exchanges.begin(request.socket, response);
    const own = namesThisMachine(request, allowedHosts) && !comesFromElsewhere(request);
    if (!own || !answerProbe(request, response, readiness, false)) turnAway(request, response);
  };
  // The port takes no bodies and keeps no connections: a client that lingers is cut.
  const server = createGuardedServer(guard, {
    headersTimeout: 5_000,
    requestTimeout: 5_000,
    keepAliveTimeout: 2_000,
    connectionsCheckingInterval: 1_000,
    // A missing Host is refused as everything else is, not by Node.
    requireHostHeader: false,
    // A channel is opened only where nothing else is to be written: the answer to an earlier request would end up in it.
    shouldUpgradeCallback: (request) => isFree(request.socket),
  });
  server.on('request', serve);
  server.on('connection', (socket) => {
    const newcomer = newcomers.admit(socket.remoteAddress ?? '', () => socket.destroy());
    known.set(socket, newcomer);
    socket.once('close', () => newcomer.leave());
  });
  server.on('checkContinue', turnAway);
  server.on('checkExpectation', turnAway);
  server.on('connect', (_request, socket) => {
    if (isFree(socket)) refuseBytes(socket);
    else socket.destroy();
  });
  server.on('clientError', (_error, socket) => {
    // Data after a refused request, such as its body, gets no answer of its own.
    if (exchanges.isOver(socket)) socket.end();
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
