import { ChannelRecordError } from '../errors.ts';
import { LENGTH_BYTES, MAX_FRAME } from '../wire.ts';

/**
 * Splits a byte stream, in chunks of any size, into frames. It buffers at most one incomplete frame of up to `maxFrame` bytes,
 * and refuses a longer one as soon as its length is known.
 *
 * @example
 * ```ts
 * for (let frame = frames.read(chunk, 0); frame !== undefined; frame = frames.read(chunk, frames.position)) use(frame);
 * ```
 */
export class FrameReader {
  readonly #maxFrame: number;
  /** The incomplete frame with its length, or the length alone until that is known. */
  #partial = new Uint8Array(0);
  #filled = 0;
  #position = 0;

  constructor(maxFrame: number = MAX_FRAME) {
    this.#maxFrame = maxFrame;
  }

  /** The offset of the next frame in the chunk that was read last. */
  get position(): number {
    return this.#position;
  }

  /**
   * Returns the next frame that `chunk` completes from `offset` on, or undefined after consuming the whole chunk. A frame that
   * is complete in the chunk is a view of it, not a copy.
   * @throws {ChannelRecordError} for a frame longer than allowed; the reader must not be used afterwards
   */
  read(chunk: Uint8Array, offset: number): Uint8Array | undefined {
    this.#position = offset;
    if (this.#filled === 0) {
      const available = chunk.byteLength - offset;
      if (available >= LENGTH_BYTES) {
        const end = offset + this.#size(chunk, offset);
        if (end <= chunk.byteLength) {
          this.#position = end;
          return chunk.subarray(offset + LENGTH_BYTES, end);
        }
      }
      if (available === 0) return undefined;
      this.#partial = new Uint8Array(available < LENGTH_BYTES ? LENGTH_BYTES : this.#size(chunk, offset));
    }
    while (this.#position < chunk.byteLength) {
      const end = Math.min(chunk.byteLength, this.#position + this.#partial.byteLength - this.#filled);
      this.#partial.set(chunk.subarray(this.#position, end), this.#filled);
      this.#filled += end - this.#position;
      this.#position = end;
      const whole = this.#filled === this.#partial.byteLength ? this.#complete() : undefined;
      if (whole !== undefined) return whole;
    }
    return undefined;
  }

  /** Handles complete bytes: a frame, or only its length, after which the buffer for the frame is allocated. */
  #complete(): Uint8Array | undefined {
    const size = this.#size(this.#partial, 0);
    const whole = this.#partial;
    if (size > whole.byteLength) {
      this.#partial = new Uint8Array(size);
      this.#partial.set(whole);
      return undefined;
    }
    this.#filled = 0;
    this.#partial = new Uint8Array(0);
    return whole.subarray(LENGTH_BYTES);
  }

  #size(bytes: Uint8Array, offset: number): number {
    const length = ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
    if (length > this.#maxFrame)
      throw new ChannelRecordError(`a frame of ${length} bytes, ${this.#maxFrame} allowed`);
    return LENGTH_BYTES + length;
  }
}
