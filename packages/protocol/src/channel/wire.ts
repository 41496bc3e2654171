/** The constants of protocol version 1; docs/sealed-channel.md explains each. */
export const PROTOCOL_VERSION = 1;
/** The length of the big-endian length before every frame. */
export const LENGTH_BYTES = 2;
/** The longest frame, tag included: the maximum of Noise and of a length of two bytes. */
export const MAX_FRAME = 65_535;
/** The length of the instance, which identifies a server and is generated with its keys. */
export const INSTANCE_BYTES = 16;
/** A refusal is the server's static public key; no other frame has this length. */
export const REFUSAL_BYTES = 32;

/**
 * A busy frame states that there are too many channels, and after how many seconds the device may try again. No other frame has
 * 2 bytes. It is not authenticated: forging it achieves no more than cutting the connection.
 */
export const BUSY_BYTES = 2;

export function busyFrame(seconds: number): Uint8Array {
  return frame(Uint8Array.of(seconds >>> 8, seconds & 0xff));
}

/** The seconds of a busy frame, without its length. */
export function busySeconds(body: Uint8Array): number {
  return ((body[0] ?? 0) << 8) | (body[1] ?? 0);
}

/** Prefixes `body` with its length. */
export function frame(body: Uint8Array): Uint8Array {
  const framed = new Uint8Array(LENGTH_BYTES + body.byteLength);
  framed[0] = body.byteLength >>> 8;
  framed[1] = body.byteLength & 0xff;
  framed.set(body, LENGTH_BYTES);
  return framed;
}

/** Compares two arrays in constant time. */
export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.byteLength !== b.byteLength) return false;
  let difference = 0;
  for (let index = 0; index < a.byteLength; index += 1) difference |= (a[index] ?? 0) ^ (b[index] ?? 0);
  return difference === 0;
}
