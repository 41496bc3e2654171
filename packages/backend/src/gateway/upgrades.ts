import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { PeerGuard } from '../core/peer-guard.ts';

/** The connections of upgrade requests. */
const connections = new WeakMap<IncomingMessage, Connection>();

interface Connection {
  readonly socket: Duplex;
  /** The bytes that came with the request. */
  readonly head: Buffer;
}

/** The connection of an upgrade request; `undefined` for any other request. */
export function connectionOf(request: IncomingMessage): Connection | undefined {
  return connections.get(request);
}

/**
 * Converts an upgrade to an ordinary request, which is handled like all others.
 *
 * @returns the response to use until it is accepted
 */
export function requestOfUpgrade(
  guard: PeerGuard,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): ServerResponse {
  connections.set(request, { socket, head });
  const response = new ServerResponse(request);
  guard.watchEvents(response, () => socket);
  response.shouldKeepAlive = false;
  // A channel has every member of a socket that a response uses.
  response.assignSocket(socket as Socket);
  response.once('finish', () => socket.end());
  socket.on('error', () => {});
  return response;
}
