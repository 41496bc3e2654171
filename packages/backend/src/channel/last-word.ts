import type { Duplex } from 'node:stream';

/** Milliseconds that a peer has to take the last bytes it is sent. */
const TAKE_MS = 500;

/** Sends the last frame of a connection, and closes it once the peer has taken it or has had the time to. */
export function lastWord(carrier: Duplex, frame: Uint8Array): void {
  carrier.on('error', () => {});
  // Somebody had the last word already, and closes it.
  if (carrier.writableEnded) return;
  if (!carrier.writable) {
    carrier.destroy();
    return;
  }
  const timer = setTimeout(() => carrier.destroy(), TAKE_MS);
  timer.unref();
  carrier.once('close', () => clearTimeout(timer));
  carrier.once('finish', () => carrier.destroy());
  carrier.end(frame);
}
