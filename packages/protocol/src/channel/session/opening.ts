import { ChannelHandshakeError } from '../errors.ts';
import { INSTANCE_BYTES, PROTOCOL_VERSION } from '../wire.ts';

/** `AICO`: the first bytes of every channel. */
const MAGIC = Uint8Array.of(0x41, 0x49, 0x43, 0x4f);
const LABEL = new TextEncoder().encode('aico sealed channel');
const KNOWN = 1;
const PAIRING = 2;
/** Magic, version, mode. */
const HEADER_BYTES = 6;
const CODE_ID_BYTES = 2;
/** e (32), s (32 + 16), and the tag of an empty payload. */
const KNOWN_BYTES: number = HEADER_BYTES + 32 + 48 + 16;
/** e (32), and the tag of an empty payload, whose key every observer can compute. */
const PAIRING_BYTES: number = HEADER_BYTES + CODE_ID_BYTES + 32 + 16;

/** The longest message of a handshake, the third of a pairing: s (32 + 16), and the request (1024 + 16). */
export const MAX_HANDSHAKE_FRAME = 1088;

/** The unencrypted header before the first Noise message. It states the kind of opening. */
export type OpeningHeader =
  | { readonly kind: 'known' }
  | { readonly kind: 'pairing'; readonly codeId: number };

export function encodeHeader(header: OpeningHeader): Uint8Array {
  return header.kind === 'known'
    ? Uint8Array.of(...MAGIC, PROTOCOL_VERSION, KNOWN)
    : Uint8Array.of(...MAGIC, PROTOCOL_VERSION, PAIRING, header.codeId >>> 8, header.codeId & 0xff);
}

/**
 * Splits the first body into the header and the Noise message. Any other length is refused before anything is computed.
 * @throws {ChannelHandshakeError}
 */
export function decodeOpening(body: Uint8Array): {
  readonly header: OpeningHeader;
  readonly message: Uint8Array;
} {
  if (MAGIC.some((byte, index) => body[index] !== byte)) throw new ChannelHandshakeError('malformed');
  if (body[4] !== PROTOCOL_VERSION) throw new ChannelHandshakeError('unsupported version');
  if (body[5] === KNOWN && body.byteLength === KNOWN_BYTES)
    return { header: { kind: 'known' }, message: body.subarray(HEADER_BYTES) };
  const codeId = ((body[6] ?? 0) << 8) | (body[7] ?? 0);
  if (body[5] === PAIRING && body.byteLength === PAIRING_BYTES && codeId < 0x8000)
    return { header: { kind: 'pairing', codeId }, message: body.subarray(HEADER_BYTES + CODE_ID_BYTES) };
  throw new ChannelHandshakeError('malformed');
}

/**
 * The Noise prologue: the label, the header as it was sent, and the instance. Two sides that disagree about any of it share no
 * key. A device that pairs learns the instance in the second message, which the handshake binds as well.
 */
export function prologue(header: OpeningHeader, instance: Uint8Array): Uint8Array {
  if (instance.byteLength !== INSTANCE_BYTES) throw new RangeError(`an instance has ${INSTANCE_BYTES} bytes`);
  return Uint8Array.of(...LABEL, ...encodeHeader(header), ...(header.kind === 'known' ? instance : []));
}
