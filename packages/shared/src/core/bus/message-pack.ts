import { isUtf8 } from 'node:buffer';
import { decode } from '@msgpack/msgpack';

/**
 * Decodes one value of MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md). The library replaces bytes of a
 * string that are not UTF-8; here they are refused, so that everybody who reads the message reads the same.
 *
 * @throws {Error} when `bytes` is not one whole value
 */
export function decodeMessagePack(bytes: Uint8Array): unknown {
  const value = decode(bytes);
  for (const [from, to] of stringsIn(bytes))
    if (!isUtf8(bytes.subarray(from, to))) throw new RangeError('a string is not UTF-8');
  return value;
}

/** Where the strings of a value that has been decoded lie: an array or map is followed by its elements, so one pass finds all. */
function* stringsIn(bytes: Uint8Array): Generator<readonly [from: number, to: number]> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const type = view.getUint8(at);
    at += 1;
    const lengthBytes = LENGTH_BYTES.get(type) ?? 0;
    const length = isShortString(type) ? type & 0x1f : lengthAt(view, at, lengthBytes);
    at += lengthBytes + (FIXED_BYTES.get(type) ?? 0);
    if (isShortString(type) || (type >= STR_8 && type <= STR_32)) yield [at, at + length];
    at += length;
  }
}

const STR_8 = 0xd9;
const STR_32 = 0xdb;

function isShortString(type: number): boolean {
  return type >= 0xa0 && type <= 0xbf;
}

function lengthAt(view: DataView, at: number, bytes: number): number {
  if (bytes === 1) return view.getUint8(at);
  if (bytes === 2) return view.getUint16(at);
  return bytes === 4 ? view.getUint32(at) : 0;
}

/** Of the types whose content has a length in bytes: bin, ext and str, of 8, 16 and 32 bits. */
const LENGTH_BYTES: ReadonlyMap<number, number> = new Map([
  [0xc4, 1],
  [0xc5, 2],
  [0xc6, 4],
  [0xc7, 1],
  [0xc8, 2],
  [0xc9, 4],
  [STR_8, 1],
  [0xda, 2],
  [STR_32, 4],
]);

/** What follows the type, and the length where there is one: the type of an ext, a number, or the count of a container. */
const FIXED_BYTES: ReadonlyMap<number, number> = new Map([
  [0xc7, 1],
  [0xc8, 1],
  [0xc9, 1],
  [0xca, 4],
  [0xcb, 8],
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xcf, 8],
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
  [0xd3, 8],
  [0xd4, 2],
  [0xd5, 3],
  [0xd6, 5],
  [0xd7, 9],
  [0xd8, 17],
  [0xdc, 2],
  [0xdd, 4],
  [0xde, 2],
  [0xdf, 4],
]);
