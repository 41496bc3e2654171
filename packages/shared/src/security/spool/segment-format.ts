import { Buffer } from 'node:buffer';
import { sodium } from '@aico/protocol/sodium';
import { GuardedKey } from '../keys/guarded-key.ts';
import { hkdfSha256 } from '../keys/key-derivation.ts';

/*
 * A segment of a spool is a file of a header and entries:
 *
 *   header  magic (8 bytes), run (16), salt (16)
 *   entry   length of the ciphertext (4), number (6), counter (4), version (4), ciphertext
 *
 * The key of a segment is HKDF-SHA-256 of the spool's key with the header as its salt, so no byte of the header can change. The
 * ciphertext is XChaCha20-Poly1305. Its nonce is the 18 bytes before it, filled up with zeros: no two writes of a segment have
 * the same counter and version, and an entry with other bytes before it does not open. Numbers are big-endian.
 */
const MAGIC = Buffer.from('AICOSPL2', 'latin1');
const RUN_BYTES = 16;
export const HEADER_BYTES = MAGIC.byteLength + RUN_BYTES + 16;
export const PREFIX_BYTES = 18;
const TAG = sodium.crypto_aead_xchacha20poly1305_ietf_ABYTES;

/** The bytes before a ciphertext. */
export interface EntryPrefix {
  /** The length of the ciphertext in bytes. */
  readonly length: number;
  /** The lowest number in the entry. */
  readonly number: number;
  /** The place of the entry among all that were written to the segment. */
  readonly counter: number;
  /** Counts the writes of this entry. */
  readonly version: number;
}

export function createHeader(run: string): Buffer {
  const salt = Buffer.alloc(16);
  sodium.randombytes_buf(salt);
  return Buffer.concat([MAGIC, Buffer.from(run, 'hex'), salt]);
}

/** The run that a segment with this header belongs to; `undefined` if the header is invalid. */
export function runOf(header: Buffer): string | undefined {
  if (header.byteLength < HEADER_BYTES || !header.subarray(0, MAGIC.byteLength).equals(MAGIC))
    return undefined;
  return header.toString('hex', MAGIC.byteLength, MAGIC.byteLength + RUN_BYTES);
}

export function segmentKey(spoolKey: GuardedKey, header: Buffer): GuardedKey {
  return GuardedKey.take(spoolKey.use((bytes) => hkdfSha256(bytes, header, 'spool segment', 32)));
}

/** The size of the entry of a text. */
export function entryBytes(text: string): number {
  return PREFIX_BYTES + Buffer.byteLength(text, 'utf8') + TAG;
}

/** The bytes of an entry. */
export function sealEntry(
  key: GuardedKey,
  { number, counter, version }: Omit<EntryPrefix, 'length'>,
  text: string,
): Buffer {
  const message = Buffer.from(text, 'utf8');
  const entry = Buffer.allocUnsafe(PREFIX_BYTES + message.byteLength + TAG);
  entry.writeUInt32BE(message.byteLength + TAG, 0);
  entry.writeUIntBE(number, 4, 6);
  entry.writeUInt32BE(counter, 10);
  entry.writeUInt32BE(version, 14);
  const ciphertext = entry.subarray(PREFIX_BYTES);
  key.use((bytes) =>
    sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(ciphertext, message, null, null, nonceOf(entry), bytes),
  );
  return entry;
}

export function readPrefix(bytes: Buffer): EntryPrefix | undefined {
  if (bytes.byteLength < PREFIX_BYTES) return undefined;
  return {
    length: bytes.readUInt32BE(0),
    number: bytes.readUIntBE(4, 6),
    counter: bytes.readUInt32BE(10),
    version: bytes.readUInt32BE(14),
  };
}

/** The text of an entry; `undefined` if it is incomplete or was altered. */
export function openEntry(key: GuardedKey, entry: Buffer): string | undefined {
  const prefix = readPrefix(entry);
  if (prefix === undefined || prefix.length < TAG || entry.byteLength !== PREFIX_BYTES + prefix.length)
    return undefined;
  const message = Buffer.allocUnsafe(prefix.length - TAG);
  const ciphertext = entry.subarray(PREFIX_BYTES);
  try {
    key.use((bytes) =>
      sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
        message,
        null,
        ciphertext,
        null,
        nonceOf(entry),
        bytes,
      ),
    );
  } catch {
    // libsodium's only report of a failed authentication is a throw; lengths were checked above.
    return undefined;
  }
  return message.toString('utf8');
}

function nonceOf(entry: Buffer): Buffer {
  const nonce = Buffer.alloc(sodium.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
  entry.copy(nonce, 0, 0, PREFIX_BYTES);
  return nonce;
}
