import { isUtf8 } from 'node:buffer';
import { DataBoundsError, MAX_DATA_DEPTH } from '@aico/protocol';
import { decode } from '@msgpack/msgpack';

/**
 * Decodes one value of MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md). The library allocates an array as
 * soon as it has read its length, replaces bytes of a string that are not UTF-8 and creates invalid dates. Therefore all bytes
 * are checked first: the input is one complete value, its memory is bounded by its size, and every decoder reads it alike.
 *
 * @param what names the data in the error
 * @throws {DataBoundsError} when the value has more than {@link MAX_DATA_DEPTH} levels
 * @throws {RangeError} when `bytes` is not one complete value
 */
export function decodeMessagePack(bytes: Uint8Array, what: string): unknown {
  new Inspection(bytes, what).inspect();
  return decode(bytes);
}

/** Checks the bytes of a value in one pass, without decoding it. */
class Inspection {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #what: string;
  /** How many values are missing in each open array or map, outermost first. */
  readonly #missing: number[] = [];
  #at = 0;

  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  inspect(): void {
    do this.#value();
    while (this.#missing.length > 0);
    if (this.#at !== this.#bytes.length) throw new RangeError('there are bytes after the value');
  }

  #value(): void {
    const type = this.#view.getUint8(this.#skip(1));
    if (type >= 0x80 && type <= 0x8f) this.#open((type & 0x0f) * 2);
    else if (type >= 0x90 && type <= 0x9f) this.#open(type & 0x0f);
    else if (type >= 0xa0 && type <= 0xbf) this.#text(type & 0x1f);
    else if (type > 0xbf && type < 0xe0) this.#long(type);
    this.#close();
  }

  /** Checks a value whose type takes a whole byte. */
  #long(type: number): void {
    if (type === UNUSED) throw new RangeError('the type 0xc1 is not used by MessagePack');
    const { length, kind = 'bytes' } = LONG_TYPES.get(type) ?? { length: 0 };
    if (kind === 'fixed') {
      this.#skip(length);
      return;
    }
    const size = kind === 'fixext' ? length : this.#number(length);
    if (kind === 'text') this.#text(size);
    else if (kind === 'array') this.#open(size);
    else if (kind === 'map') this.#open(size * 2);
    else if (kind === 'bytes') this.#skip(size);
    else this.#extension(size);
  }

  #number(bytes: number): number {
    const at = this.#skip(bytes);
    if (bytes === 1) return this.#view.getUint8(at);
    if (bytes === 2) return this.#view.getUint16(at);
    return bytes === 4 ? this.#view.getUint32(at) : 0;
  }

  #text(length: number): void {
    const at = this.#skip(length);
    if (!isUtf8(this.#bytes.subarray(at, at + length))) throw new RangeError('a string is not UTF-8');
  }

  #extension(length: number): void {
    const type = this.#view.getInt8(this.#skip(1));
    const at = this.#skip(length);
    if (type !== TIMESTAMP) throw new RangeError(`the extension type ${type} is not supported`);
    if (!isTimestamp(this.#view, at, length)) throw new RangeError('a timestamp is malformed');
  }

  /** Begins an array or map. Each of its values takes at least one byte. */
  #open(values: number): void {
    if (this.#missing.length >= MAX_DATA_DEPTH)
      throw new DataBoundsError(this.#what, 'depth', MAX_DATA_DEPTH);
    if (values > this.#bytes.length - this.#at) throw new RangeError('the value is truncated');
    this.#missing.push(values + 1);
  }

  /** Completes a value, and every array or map of which it was the last value. */
  #close(): void {
    for (let last = this.#missing.length - 1; last >= 0; last -= 1) {
      const left = (this.#missing[last] ?? 0) - 1;
      this.#missing[last] = left;
      if (left > 0) return;
      this.#missing.pop();
    }
  }

  /** @returns the position of the skipped bytes */
  #skip(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) throw new RangeError('the value is truncated');
    this.#at = at + count;
    return at;
  }
}

const UNUSED = 0xc1;
const TIMESTAMP = -1;
/** The latest time that a `Date` can represent, in seconds. */
const LAST_SECOND = 8_640_000_000_000n;

function isTimestamp(view: DataView, at: number, length: number): boolean {
  if (length === 4) return true;
  if (length === 8) return view.getUint32(at) >>> 2 < 1e9;
  if (length !== 12) return false;
  const nanoseconds = view.getUint32(at);
  const seconds = view.getBigInt64(at + 4);
  if (nanoseconds >= 1e9 || seconds < -LAST_SECOND) return false;
  return seconds < LAST_SECOND || (seconds === LAST_SECOND && nanoseconds === 0);
}

interface LongType {
  /** Bytes of the length field that follows the type; for `fixed` and `fixext`, bytes of the value. */
  readonly length: number;
  /** Default `bytes`. */
  readonly kind?: 'bytes' | 'text' | 'array' | 'map' | 'ext' | 'fixext' | 'fixed';
}

const LONG_TYPES: ReadonlyMap<number, LongType> = new Map<number, LongType>([
  [0xc4, { length: 1 }],
  [0xc5, { length: 2 }],
  [0xc6, { length: 4 }],
  [0xc7, { length: 1, kind: 'ext' }],
  [0xc8, { length: 2, kind: 'ext' }],
  [0xc9, { length: 4, kind: 'ext' }],
  [0xca, { length: 4, kind: 'fixed' }],
  [0xcb, { length: 8, kind: 'fixed' }],
  [0xcc, { length: 1, kind: 'fixed' }],
  [0xcd, { length: 2, kind: 'fixed' }],
  [0xce, { length: 4, kind: 'fixed' }],
  [0xcf, { length: 8, kind: 'fixed' }],
  [0xd0, { length: 1, kind: 'fixed' }],
  [0xd1, { length: 2, kind: 'fixed' }],
  [0xd2, { length: 4, kind: 'fixed' }],
  [0xd3, { length: 8, kind: 'fixed' }],
  [0xd4, { length: 1, kind: 'fixext' }],
  [0xd5, { length: 2, kind: 'fixext' }],
  [0xd6, { length: 4, kind: 'fixext' }],
  [0xd7, { length: 8, kind: 'fixext' }],
  [0xd8, { length: 16, kind: 'fixext' }],
  [0xd9, { length: 1, kind: 'text' }],
  [0xda, { length: 2, kind: 'text' }],
  [0xdb, { length: 4, kind: 'text' }],
  [0xdc, { length: 2, kind: 'array' }],
  [0xdd, { length: 4, kind: 'array' }],
  [0xde, { length: 2, kind: 'map' }],
  [0xdf, { length: 4, kind: 'map' }],
]);
