import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { decodeZ85, encodeZ85 } from './z85.ts';

/** A CURVE key pair (X25519), as Z85 text of 40 characters each. */
export interface CurveKeyPair {
  readonly publicKey: string;
  readonly secretKey: string;
}

/** The data that a proof of identity covers. */
export interface ProofSubject {
  /** Random bytes that the broker generates for each handshake. */
  readonly nonce: Uint8Array;
  /** The connection's ZeroMQ routing id. */
  readonly routingId: Uint8Array;
  readonly component: string;
}

const PRIVATE_DER = Buffer.from('302e020100300506032b656e04220420', 'hex');
const PUBLIC_DER = Buffer.from('302a300506032b656e032100', 'hex');
const PROOF_LABEL = Buffer.from('aico-bus/1 hello\0');

/** The key pair of a 32-byte secret. The default secret is random. */
export function curveKeyPair(secret: Uint8Array = randomBytes(32)): CurveKeyPair {
  const spki = createPublicKey(privateKey(secret)).export({ format: 'der', type: 'spki' });
  return {
    publicKey: encodeZ85(spki.subarray(PUBLIC_DER.length)),
    secretKey: encodeZ85(secret),
  };
}

/** Whether `text` is a key in Z85. */
export function isCurveKey(text: string): boolean {
  return text.length === 40 && decodeZ85(text)?.length === 32;
}

/**
 * Computes the proof that a peer holds the secret key of a component. It is the HMAC-SHA-256, with the X25519 shared secret of
 * both sides as its key (RFC 7748), of `aico-bus/1 hello`, a zero byte, nonce, routing id and component.
 *
 * ZeroMQ admits every peer that has an allowed key, but does not tell which key a frame came with. The proof binds the routing
 * id of the connection to the key.
 *
 * @throws when either key is malformed, or the public key is a point of low order
 */
export function proveIdentity(
  ownSecret: string,
  otherPublic: string,
  { nonce, routingId, component }: ProofSubject,
): Buffer {
  const shared = diffieHellman({
    privateKey: privateKey(keyBytes(ownSecret)),
    publicKey: publicKey(keyBytes(otherPublic)),
  });
  const proof = createHmac('sha256', shared)
    .update(PROOF_LABEL)
    .update(nonce)
    .update(routingId)
    .update(component)
    .digest();
  shared.fill(0);
  return proof;
}

/** Compares in constant time. */
export function isSameProof(given: Uint8Array, expected: Uint8Array): boolean {
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function keyBytes(text: string): Uint8Array {
  const bytes = decodeZ85(text);
  if (bytes?.length !== 32) throw new RangeError('not a CURVE key');
  return bytes;
}

function privateKey(secret: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PRIVATE_DER, secret]), format: 'der', type: 'pkcs8' });
}

function publicKey(point: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([PUBLIC_DER, point]), format: 'der', type: 'spki' });
}
