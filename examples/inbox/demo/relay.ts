import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';

/** A connection between two machines that is recorded. */
export interface TappedWire extends AsyncDisposable {
  /** Where its near end is. */
  readonly address: string;
  /** All bytes in both directions. Complete once the relay is disposed of. */
  readonly recording: string;
}

/** Hands connections on to `target`, and writes down every byte. */
export async function tapWire(target: URL, recording: string): Promise<TappedWire> {
  const tape = createWriteStream(recording);
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => tape.write(chunk));
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('it has no port');
  return {
    address: `127.0.0.1:${address.port}`,
    recording,
    async [Symbol.asyncDispose]() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
      tape.end();
      await once(tape, 'finish');
    },
  };
}
