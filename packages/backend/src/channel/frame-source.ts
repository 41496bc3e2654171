import type { Duplex } from 'node:stream';
import { FrameReader, MAX_HANDSHAKE_FRAME } from '@aico/protocol/channel';
import { ChannelNotOpenedError } from './errors.ts';

/** Reads the frames of a handshake. Bytes after the last frame are put back for the next reader of the carrier. */
export class FrameSource {
  readonly #carrier: Duplex;
  readonly #frames = new FrameReader(MAX_HANDSHAKE_FRAME);
  #chunk: Uint8Array = new Uint8Array(0);
  #offset = 0;

  constructor(carrier: Duplex) {
    this.#carrier = carrier;
  }

  /**
   * @param signal ends the wait with its reason
   * @throws {ChannelNotOpenedError} at the end of the bytes, and for a frame that is too long
   */
  async next(signal: AbortSignal): Promise<Uint8Array> {
    for (;;) {
      const frame = this.#read();
      if (frame !== undefined) return frame;
      await readable(this.#carrier, signal);
      const chunk: unknown = this.#carrier.read();
      if (!(chunk instanceof Uint8Array)) {
        if (this.#carrier.readableEnded || this.#carrier.destroyed)
          throw new ChannelNotOpenedError('not a handshake');
        continue;
      }
      this.#chunk = chunk;
      this.#offset = 0;
    }
  }

  /** Puts back the bytes that were not used. */
  release(): void {
    const rest = this.#chunk.subarray(this.#offset);
    if (rest.byteLength > 0) this.#carrier.unshift(rest);
    this.#chunk = new Uint8Array(0);
    this.#offset = 0;
  }

  #read(): Uint8Array | undefined {
    try {
      const frame = this.#frames.read(this.#chunk, this.#offset);
      this.#offset = this.#frames.position;
      // The carrier may reuse the memory of the chunk.
      return frame?.slice();
    } catch (error) {
      throw new ChannelNotOpenedError('not a handshake', error);
    }
  }
}

/** Resolves when there is something to read, or when the stream has ended. */
async function readable(carrier: Duplex, signal: AbortSignal): Promise<void> {
  if (carrier.readableLength > 0) return;
  await new Promise<void>((resolve, reject) => {
    const settle = (outcome: () => void) => (): void => {
      for (const event of ['readable', 'end', 'close', 'error']) carrier.off(event, go);
      signal.removeEventListener('abort', stop);
      outcome();
    };
    const go = settle(resolve);
    const stop = settle(() => reject(signal.reason));
    for (const event of ['readable', 'end', 'close', 'error']) carrier.on(event, go);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
}
