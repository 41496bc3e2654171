import { createServer, IncomingMessage, type Server, type ServerOptions } from 'node:http';
import { Duplex } from 'node:stream';
import type { PeerConnection, PeerGuard } from '../core/peer-guard.ts';

/**
 * A server whose callbacks can end at most one connection when they throw: its own events, those of its connections, requests
 * and responses are guarded, and so is the decision whether to upgrade.
 */
export function createGuardedServer(guard: PeerGuard, options: ServerOptions): Server {
  const { shouldUpgradeCallback: shouldUpgrade } = options;
  const server = createServer({
    ...options,
    ...guard.messages(),
    ...(shouldUpgrade === undefined
      ? {}
      : {
          shouldUpgradeCallback: (request: IncomingMessage) =>
            guard.call(request.socket, () => shouldUpgrade(request), false),
        }),
  });
  guard.watchEvents(server, (event, args) => {
    const connection = connectionOf(args);
    // Before the server's own listener runs, so that the listeners it adds are guarded too.
    if (event === 'connection' && connection instanceof Duplex) guard.watch(connection);
    return connection;
  });
  return server;
}

function connectionOf(args: readonly unknown[]): PeerConnection | undefined {
  for (const arg of args) {
    if (arg instanceof IncomingMessage) return arg.socket;
    if (arg instanceof Duplex) return arg;
  }
  return undefined;
}
