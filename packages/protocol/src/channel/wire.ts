/** The numbers of protocol version 1 that both sides must share; docs/sealed-channel.md explains each. */
export const PROTOCOL_VERSION = 1;
/** Bytes before every frame: its length, big-endian. */
export const LENGTH_BYTES = 2;
/** The longest frame, tag included: what Noise allows and two bytes can say. */
export const MAX_FRAME = 65_535;
/** The instance a server is: 16 bytes, made once with its keys. */
export const INSTANCE_BYTES = 16;
/** A refusal is the server's static public key and nothing else; no other frame has this length. */
export const REFUSAL_BYTES = 32;

/**
 * A busy frame says that there are too many channels, and after how many seconds the device may try again. It has 2 bytes,
 * as no other frame has. Nothing seals it: who forges one achieves what they could by cutting the connection.
 */
export const BUSY_BYTES = 2;

export function busyFrame(seconds: number): Uint8Array {
  return frame(Uint8Array.of(seconds >>> 8, seconds & 0xff));
}

/** The seconds of a busy frame, without its length. */
export function busySeconds(body: Uint8Array): number {
  return ((body[0] ?? 0) << 8) | (body[1] ?? 0);
}

/** `body` with its length before it. */
export function frame(body: Uint8Array): Uint8Array {
  const framed = new Uint8Array(LENGTH_BYTES + body.byteLength);
  framed[0] = body.byteLength >>> 8;
  framed[1] = body.byteLength & 0xff;
  framed.set(body, LENGTH_BYTES);
  return framed;
}

/** Equal bytes, compared without a shortcut. */
export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.byteLength !== b.byteLength) return false;
  let difference = 0;
  for (let index = 0; index < a.byteLength; index += 1) difference |= (a[index] ?? 0) ^ (b[index] ?? 0);
  return difference === 0;
}
