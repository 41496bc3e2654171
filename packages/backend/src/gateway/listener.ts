import { chmod, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { ListenOptions } from 'node:net';
import { ListenError, PortTakenError } from './errors.ts';

/**
 * Listens on a TCP port; resolves to the URL.
 *
 * @throws {PortTakenError} when another program listens there
 * @throws {ListenError} when the address cannot be used
 */
export async function listenOnPort(server: Server, host: string, port: number): Promise<string> {
  try {
    await listen(server, { host, port, exclusive: true });
  } catch (error) {
    if (isSystemError(error) && error.code === 'EADDRINUSE') throw new PortTakenError(host, port, error);
    throw new ListenError(`${host}:${port}`, error);
  }
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return `http://${host.includes(':') ? `[${host}]` : host}:${bound}`;
}

/**
 * Listens on a Unix domain socket (named pipe on Windows) that only this user may open. A socket left by a killed process is
 * removed first: the instance lock proves that no other process serves it.
 *
 * @throws {ListenError} when the socket cannot be created
 */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  const pipe = process.platform === 'win32';
  try {
    if (!pipe) await rm(path, { force: true });
    await listen(server, { path });
    if (!pipe) await chmod(path, 0o600);
  } catch (error) {
    throw new ListenError(path, error);
  }
}

/** Milliseconds for pending replies, also to a client that has begun a request and does not complete it. */
const CLOSE_MS = 250;

/** Accepts no new connections, closes idle ones, and gives pending requests a short time to finish. */
export async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const cut = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  clearTimeout(cut);
}

function listen(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error;
}
