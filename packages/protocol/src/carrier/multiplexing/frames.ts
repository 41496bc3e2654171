/**
 * The frames that multiplex streams on one byte stream: docs/sealed-channel.md, "Several connections". Integers are big-endian.
 */

/** The first byte of the side that opens streams. No HTTP request begins with it. */
export const PREFACE = 0;

export const FrameKind = {
  /** Bytes of a stream; the first frame of a new id opens it. */
  data: 0,
  /** This direction of the stream has ended. */
  end: 1,
  /** Both directions of the stream are aborted. */
  reset: 2,
  /** This many more bytes may be sent on the stream. */
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
/** Bytes that may be in flight in one direction of a stream before its reader has read any. */
export const INITIAL_WINDOW = 262_144;

/** The header of a frame, which is the whole frame if it has no payload. */
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
