import { ChannelRecordError } from '../errors.ts';
import { LENGTH_BYTES, MAX_FRAME } from '../wire.ts';

/**
 * Cuts a byte stream into its frames, whatever the chunks it comes in. It holds at most one unfinished frame, so at
 * most `maxFrame` bytes, and refuses a longer one as soon as it has seen its length.
 *
 * @example
 * ```ts
 * for (let frame = frames.read(chunk, 0); frame !== undefined; frame = frames.read(chunk, frames.position)) use(frame);
 * ```
 */
export class FrameReader {
  readonly #maxFrame: number;
  /** The unfinished frame with its length before it, or the length alone while that is unknown. */
  #partial = new Uint8Array(0);
  #filled = 0;
  #position = 0;

  constructor(maxFrame: number = MAX_FRAME) {
    this.#maxFrame = maxFrame;
  }

  /** Where in the chunk last read the next frame begins. */
  get position(): number {
    return this.#position;
  }

  /**
   * The next frame that the bytes of `chunk` from `offset` on complete; undefined where more are needed, and then the
   * whole chunk is taken. A frame that lies whole in the chunk is a part of it, not a copy.
   * @throws {ChannelRecordError} for a frame longer than allowed; the reader must not be used after it.
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

  /** All that was awaited is there: the frame, or only its length, from which the room for it follows. */
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
