import type { Duplex } from 'node:stream';

/** Milliseconds that a peer has to read the last frame. */
const TAKE_MS = 500;

/** Sends the last frame of a connection, and closes the connection once the frame was sent or the delay is over. */
export function closeWith(carrier: Duplex, frame: Uint8Array): void {
  carrier.on('error', () => {});
  // A last frame was sent already, and the connection is being closed.
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
