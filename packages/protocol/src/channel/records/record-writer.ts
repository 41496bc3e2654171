import type { CipherState } from '../noise/cipher-state.ts';
import { TAG_BYTES } from '../suites/crypto-suite.ts';
import { LENGTH_BYTES } from '../wire.ts';
import { KeyRenewal } from './key-renewal.ts';
import { HEADER_BYTES, MAX_CONTENT, paddedLength, RecordType } from './record.ts';

/** Frames up to `SLICE` are cut from slabs: allocating a typed array costs more than sealing a small record. */
const SLAB = 16_384;
const SLICE = 4_096;
const NOTHING = new Uint8Array(0);

/** Seals and frames the records of one direction. */
export class RecordWriter {
  readonly #cipher: CipherState;
  readonly #renewal: KeyRenewal;
  /** Zero from `#used` on, since no part is used twice. Padding therefore need not be written. */
  #slab = NOTHING;
  #used = 0;

  constructor(cipher: CipherState) {
    this.#cipher = cipher;
    this.#renewal = new KeyRenewal(cipher);
  }

  /** Seals the parts in as few records as possible and returns the concatenated frames; empty if there are no bytes. */
  seal(parts: readonly Uint8Array[]): Uint8Array {
    let length = 0;
    for (const part of parts) length += part.byteLength;
    if (length <= MAX_CONTENT) return length === 0 ? NOTHING : this.#sealOne(parts, length);
    const frames = new Uint8Array(framesLength(length));
    let part = 0;
    let offset = 0;
    let position = 0;
    for (let left = length; left > 0; ) {
      const content = Math.min(left, MAX_CONTENT);
      const record = frames.subarray(position, position + frameLength(content));
      let at = LENGTH_BYTES + HEADER_BYTES;
      const end = at + content;
      while (at < end) {
        const bytes = parts[part] ?? NOTHING;
        const taken = bytes.subarray(offset, offset + end - at);
        record.set(taken, at);
        at += taken.byteLength;
        offset += taken.byteLength;
        if (offset === bytes.byteLength) {
          part += 1;
          offset = 0;
        }
      }
      this.#finish(record, RecordType.data, content);
      position += record.byteLength;
      left -= content;
    }
    return frames;
  }

  /** Seals a record without content. */
  sealEmpty(type: number): Uint8Array {
    const record = this.#room(frameLength(0));
    this.#finish(record, type, 0);
    return record;
  }

  #sealOne(parts: readonly Uint8Array[], length: number): Uint8Array {
    const record = this.#room(frameLength(length));
    let at = LENGTH_BYTES + HEADER_BYTES;
    for (const part of parts) {
      record.set(part, at);
      at += part.byteLength;
    }
    this.#finish(record, RecordType.data, length);
    return record;
  }

  /** Writes length and header around the content, and seals in place. */
  #finish(record: Uint8Array, type: number, content: number): void {
    const sealed = record.byteLength - LENGTH_BYTES;
    record[0] = sealed >>> 8;
    record[1] = sealed & 0xff;
    record[2] = type;
    record[3] = content >>> 8;
    record[4] = content & 0xff;
    this.#cipher.seal(
      undefined,
      record.subarray(LENGTH_BYTES, record.byteLength - TAG_BYTES),
      record.subarray(LENGTH_BYTES),
    );
    this.#renewal.count(type, sealed);
  }

  #room(length: number): Uint8Array {
    if (length > SLICE) return new Uint8Array(length);
    if (this.#used + length > this.#slab.byteLength) {
      this.#slab = new Uint8Array(SLAB);
      this.#used = 0;
    }
    this.#used += length;
    return this.#slab.subarray(this.#used - length, this.#used);
  }
}

function frameLength(content: number): number {
  return LENGTH_BYTES + paddedLength(HEADER_BYTES + content) + TAG_BYTES;
}

function framesLength(length: number): number {
  const rest = length % MAX_CONTENT;
  return Math.floor(length / MAX_CONTENT) * frameLength(MAX_CONTENT) + (rest === 0 ? 0 : frameLength(rest));
}
