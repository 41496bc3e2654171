import { ChannelStreamsError } from '../../channel/errors.ts';
import { FrameKind, HEADER_BYTES, WINDOW_BYTES } from './frames.ts';

/** Receives the frames of a parser. */
interface FrameHandler {
  /** Bytes of a stream: the payload of a data frame, or the part of it that has arrived; empty for an empty frame. */
  onData(id: number, bytes: Uint8Array): void;
  /** A complete frame of any other kind; `value` is the number of a window frame. */
  onControl(id: number, kind: number, value: number): void;
}

const LAST_KIND: number = FrameKind.pong;
const NOTHING = new Uint8Array(0);

/** Splits a byte stream, in chunks of any size, into frames. It buffers at most a header: data is passed on as it arrives. */
export class FrameParser {
  readonly #handler: FrameHandler;
  /** The header, and the payload of a window frame, until they are complete. */
  readonly #head = new Uint8Array(HEADER_BYTES + WINDOW_BYTES);
  #filled = 0;
  /** The stream of the current data frame, and the number of its bytes still to come. */
  #id = 0;
  #left = 0;

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /** @throws {ChannelStreamsError} for bytes that are not a frame; the parser must not be used afterwards */
  push(chunk: Uint8Array): void {
    const end = chunk.byteLength;
    let at = 0;
    while (at < end) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, end - at);
        this.#left -= taken;
        this.#handler.onData(this.#id, chunk.subarray(at, at + taken));
        at += taken;
      } else if (this.#filled === 0 && end - at >= HEADER_BYTES + WINDOW_BYTES) {
        at += this.#frame(chunk, at);
      } else {
        this.#head[this.#filled] = chunk[at] ?? 0;
        this.#filled += 1;
        at += 1;
        if (this.#filled === wantedOf(this.#head, this.#filled)) {
          this.#filled = 0;
          this.#frame(this.#head, 0);
        }
      }
    }
  }

  /**
   * Parses the frame whose header is at `at`.
   * @returns the number of bytes consumed, without the payload of a data frame
   */
  #frame(bytes: Uint8Array, at: number): number {
    const id = uint32(bytes, at);
    const kind = bytes[at + 4] ?? 0;
    const length = lengthOf(bytes, at);
    if (kind === FrameKind.data) {
      this.#id = id;
      this.#left = length;
      // An empty data frame still opens its stream.
      if (length === 0) this.#handler.onData(id, NOTHING);
      return HEADER_BYTES;
    }
    if (kind > LAST_KIND) throw new ChannelStreamsError('a frame of unknown kind');
    if (length !== (kind === FrameKind.window ? WINDOW_BYTES : 0))
      throw new ChannelStreamsError('a frame whose length does not fit its kind');
    this.#handler.onControl(id, kind, length === 0 ? 0 : uint32(bytes, at + HEADER_BYTES));
    return HEADER_BYTES + length;
  }
}

/** The number of bytes to gather: the header, and the payload of a window frame. */
function wantedOf(head: Uint8Array, filled: number): number {
  const hasPayload = filled >= HEADER_BYTES && head[4] === FrameKind.window && lengthOf(head, 0) > 0;
  return hasPayload ? HEADER_BYTES + WINDOW_BYTES : HEADER_BYTES;
}

function lengthOf(bytes: Uint8Array, at: number): number {
  return ((bytes[at + 5] ?? 0) << 8) | (bytes[at + 6] ?? 0);
}

function uint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)) >>>
    0
  );
}
