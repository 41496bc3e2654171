/** The frames of several streams on one: docs/sealed-channel.md, "Several connections". Integers are big-endian. */

/** The byte that the side which opens streams sends first: no request of HTTP begins so. */
export const PREFACE = 0;

export const FrameKind = {
  /** Bytes of a stream; the first frame of a new id opens it. */
  data: 0,
  /** This direction of the stream is over. */
  end: 1,
  /** The stream is broken off, both ways. */
  reset: 2,
  /** So many more bytes may be sent on the stream. */
  window: 3,
  /** Asks the peer for a pong. */
  ping: 4,
  pong: 5,
} as const;

/** Stream id (4), kind (1), length of the payload (2). */
export const HEADER_BYTES = 7;
/** The payload of a window frame. */
export const WINDOW_BYTES = 4;
export const MAX_STREAM_ID = 0xffff_ffff;
/** Bytes that may be on their way on one direction of a stream before its reader has taken any. */
export const INITIAL_WINDOW = 262_144;

/** A frame's header, and of a frame without payload all of it. */
export function frameHeader(id: number, kind: number, length: number): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  writeUint32(header, 0, id);
  header[4] = kind;
  header[5] = length >>> 8;
  header[6] = length & 0xff;
  return header;
}

export function windowFrame(id: number, bytes: number): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + WINDOW_BYTES);
  frame.set(frameHeader(id, FrameKind.window, WINDOW_BYTES));
  writeUint32(frame, HEADER_BYTES, bytes);
  return frame;
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = (value >>> 16) & 0xff;
  bytes[at + 2] = (value >>> 8) & 0xff;
  bytes[at + 3] = value & 0xff;
}
