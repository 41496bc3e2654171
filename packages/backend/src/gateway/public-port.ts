import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { PeerGuard } from '../core/peer-guard.ts';
import { Exchanges } from './exchanges.ts';
import { createGuardedServer } from './guarded-server.ts';
import { comesFromElsewhere, namesThisMachine } from './own-host.ts';
import { answerProbe, type ReadinessProbe } from './probes.ts';
import { refuse, refuseBytes } from './refusal.ts';
import { type UnprovenConnection, UnprovenConnections, type UnprovenLimits } from './unproven-connections.ts';

interface PublicPortOptions {
  readonly guard: PeerGuard;
  readonly readiness: ReadinessProbe;
  readonly allowedHosts: readonly string[];
  /** Limits for unproven connections. */
  readonly unproven: UnprovenLimits;
  /**
   * Takes over a connection that requests a channel.
   * @returns `false` if it does not request one
   */
  readonly openChannel: (
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    connection: UnprovenConnection,
  ) => boolean;
}

/**
 * The server of the public port. It answers liveness and readiness, lets channels be opened, and answers everything else with
 * one constant refusal, which also replaces Node's own answers (400, 408, 417, 431, `100 Continue`).
 */
export function createPublicServer({
  guard,
  readiness,
  allowedHosts,
  unproven: limits,
  openChannel,
}: PublicPortOptions): Server {
  const unproven = new UnprovenConnections(limits);
  const known = new WeakMap<Duplex, UnprovenConnection>();
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
  // The port accepts no bodies and keeps no connections: a client that lingers is cut.
  const server = createGuardedServer(guard, {
    headersTimeout: 5_000,
    requestTimeout: 5_000,
    keepAliveTimeout: 2_000,
    connectionsCheckingInterval: 1_000,
    // A missing Host gets the constant refusal instead of Node's.
    requireHostHeader: false,
    // A channel needs a connection without pending answers, which would otherwise be written into it.
    shouldUpgradeCallback: (request) => isFree(request.socket),
  });
  server.on('request', serve);
  server.on('connection', (socket) => {
    const connection = unproven.admit(socket.remoteAddress ?? '', () => socket.destroy());
    known.set(socket, connection);
    socket.once('close', () => connection.leave());
  });
  server.on('checkContinue', turnAway);
  server.on('checkExpectation', turnAway);
  server.on('connect', (_request, socket) => {
    if (isFree(socket)) refuseBytes(socket);
    else socket.destroy();
  });
  server.on('clientError', (_error, socket) => {
    // Data after a refused request, such as its body, is not answered separately.
    if (exchanges.isOver(socket)) socket.end();
    else refuseBytes(socket);
  });
  server.on('upgrade', (request, socket, head) => {
    // A page of any origin may open a channel: its content is encrypted and authenticated.
    const connection = known.get(socket);
    if (
      connection === undefined ||
      !namesThisMachine(request, allowedHosts) ||
      !openChannel(request, socket, head, connection)
    )
      refuseBytes(socket);
  });
  return server;
}
