import { Buffer } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';
import { sodium } from '@aico/protocol/sodium';
import { openToRead } from '../../core/paths/index.ts';
import { SealedFileRefusedError } from '../errors.ts';
import { wipe } from '../keys/guarded-key.ts';
import { hkdfSha256 } from '../keys/key-derivation.ts';

/*
 * A sealed file is a preamble and parts:
 *
 *   preamble  kind (8 bytes), id of the key (16), header of the stream (24)
 *   part      length of the ciphertext (4, big-endian), ciphertext
 *
 * The parts are messages of libsodium's secretstream (XChaCha20-Poly1305), which authenticates their order; the last one is empty and
 * has the tag FINAL. The preamble is the associated data of each part.
 * Source: https://doc.libsodium.org/secret-key_cryptography/secretstream
 */
const KIND_BYTES = 8;
const ID_BYTES = 16;
const PREAMBLE_BYTES = KIND_BYTES + ID_BYTES + sodium.crypto_secretstream_xchacha20poly1305_HEADERBYTES;
const OVERHEAD = sodium.crypto_secretstream_xchacha20poly1305_ABYTES;
const { crypto_secretstream_xchacha20poly1305_TAG_MESSAGE: MESSAGE } = sodium;
const { crypto_secretstream_xchacha20poly1305_TAG_FINAL: FINAL } = sodium;

/**
 * Encrypts parts as the bytes of a sealed file. {@link openedParts} returns the same parts, or refuses the file.
 *
 * @param kind eight characters that begin the file
 * @param key 32 bytes; the caller wipes it
 * @example
 * ```ts
 * await writePrivateFile(file, sealedParts('AICOLOG1', key, parts));
 * for await (const part of openedParts(file, 'AICOLOG1', key)) read(part);
 * ```
 */
export async function* sealedParts(
  kind: string,
  key: Uint8Array,
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const state = Buffer.alloc(sodium.crypto_secretstream_xchacha20poly1305_STATEBYTES);
  const header = Buffer.alloc(sodium.crypto_secretstream_xchacha20poly1305_HEADERBYTES);
  try {
    sodium.crypto_secretstream_xchacha20poly1305_init_push(state, header, key);
    const preamble = Buffer.concat([beginningOf(kind, key), header]);
    const sealed = (part: Uint8Array, tag: number): Uint8Array => {
      const bytes = Buffer.allocUnsafe(4 + part.byteLength + OVERHEAD);
      bytes.writeUInt32BE(part.byteLength + OVERHEAD, 0);
      sodium.crypto_secretstream_xchacha20poly1305_push(state, bytes.subarray(4), part, preamble, tag);
      return bytes;
    };
    yield preamble;
    for await (const part of parts) yield sealed(part, MESSAGE);
    yield sealed(new Uint8Array(0), FINAL);
  } finally {
    wipe(state);
  }
}

/**
 * The parts of a sealed file. Each is authentic, at its place and complete when it is returned; a later part may still be refused.
 *
 * @throws {SealedFileRefusedError} when the file is of another kind or key, or was truncated, extended, reordered or altered
 * @throws the system's error when it cannot be read
 */
export async function* openedParts(file: string, kind: string, key: Uint8Array): AsyncGenerator<Uint8Array> {
  const state = Buffer.alloc(sodium.crypto_secretstream_xchacha20poly1305_STATEBYTES);
  await using handle = await openToRead(file);
  const { size } = await handle.stat();
  const refuse = (reason: string): never => {
    throw new SealedFileRefusedError(file, reason);
  };
  try {
    const preamble = await read(handle, 0, Math.min(size, PREAMBLE_BYTES));
    const beginning = beginningOf(kind, key);
    if (!preamble.subarray(0, KIND_BYTES).equals(beginning.subarray(0, KIND_BYTES)))
      refuse(`it does not begin with ${kind}, so it is another kind of file`);
    if (!preamble.subarray(0, beginning.byteLength).equals(beginning))
      refuse('it was written with the keys of another home, or its beginning was altered');
    if (preamble.byteLength < PREAMBLE_BYTES) refuse('its end is missing');
    sodium.crypto_secretstream_xchacha20poly1305_init_pull(
      state,
      preamble.subarray(beginning.byteLength),
      key,
    );
    const tag = Buffer.alloc(1);
    for (let position = PREAMBLE_BYTES, number = 1; tag[0] !== FINAL; number += 1) {
      const length = size - position < 4 ? 0 : (await read(handle, position, 4)).readUInt32BE(0);
      // An altered length is answered like an altered part: no memory is taken for it.
      if (length < OVERHEAD || position + 4 + length > size) refuse(`part ${number} is incomplete`);
      const ciphertext = await read(handle, position + 4, length);
      const part = Buffer.allocUnsafe(length - OVERHEAD);
      try {
        sodium.crypto_secretstream_xchacha20poly1305_pull(state, part, tag, ciphertext, preamble);
      } catch {
        // libsodium's only report of a failed authentication is a throw; lengths were checked above.
        refuse(`part ${number} was altered, moved or is missing`);
      }
      position += 4 + length;
      if (tag[0] === FINAL) {
        if (position !== size) refuse('bytes were added after its end');
      } else yield part;
    }
  } finally {
    wipe(state);
  }
}

/** The kind, and an id of the key, so that a file of another home is not reported as damaged. */
function beginningOf(kind: string, key: Uint8Array): Buffer {
  return Buffer.concat([
    Buffer.from(kind, 'latin1'),
    hkdfSha256(key, new Uint8Array(0), 'sealed file key id', ID_BYTES),
  ]);
}

/** @throws {RangeError} when the file has become shorter */
async function read(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) throw new RangeError('the file became shorter while it was read');
    done += bytesRead;
  }
  return bytes;
}
