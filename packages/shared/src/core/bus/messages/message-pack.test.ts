import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { decodeMessagePack } from './message-pack.ts';

const leaf = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom('x'.repeat(31), 'x'.repeat(32), 'x'.repeat(256), 'ü'.repeat(40_000)),
  fc.double({ noNaN: true }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.uint8Array({ maxLength: 300 }),
  fc.date({ noInvalidDate: true }),
);
const data = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, leaf, tie('list'), tie('map')),
  list: fc.array(tie('value'), { maxLength: 20 }),
  map: fc.dictionary(
    fc.string().filter((key) => key !== '__proto__'),
    tie('value'),
    { maxKeys: 20 },
  ),
})).value;

test('every value of MessagePack is decoded completely', () => {
  fc.assert(
    fc.property(data, (value) => {
      const bytes = encode(value);
      assert.deepEqual(encode(decodeMessagePack(bytes, 'it')), bytes);
    }),
  );
});

test('a string that is not UTF-8 is refused at every position', () => {
  const marker = 'MARKED';
  fc.assert(
    fc.property(data, data, fc.constantFrom('value', 'key', 'list'), (before, after, place) => {
      const marked =
        place === 'key'
          ? { before, [marker]: 1, after }
          : { before, x: place === 'list' ? [marker] : marker, after };
      const bytes = Buffer.from(encode(marked));
      const at = bytes.indexOf(marker);
      fc.pre(at >= 0 && bytes.indexOf(marker, at + 1) < 0);
      bytes.set([0xc3, 0x28], at + 2);
      assert.throws(() => decodeMessagePack(bytes, 'it'), RangeError);
    }),
  );
});

test('elements that a length announces, but that are missing, take no memory', () => {
  // The length of each array is 30 million, for which the library would allocate memory at once.
  const array = [0xdd, 0x01, 0xc9, 0xc3, 0x80];
  const before = process.memoryUsage().rss;
  for (const levels of [1, 2, 4, 40, 1_000])
    assert.throws(
      () => decodeMessagePack(Uint8Array.from(Array(levels).fill(array).flat()), 'it'),
      RangeError,
    );
  assert.ok(process.memoryUsage().rss - before < 100_000_000);
});

test('more than 64 levels are refused, and 64 are not', () => {
  const nested = (levels: number, open: readonly number[]): Uint8Array =>
    Uint8Array.from([...Array<readonly number[]>(levels).fill(open).flat(), 0xc0]);
  for (const open of [[0x91], [0xdc, 0, 1], [0x81, 0xa1, 0x61], [0xde, 0, 1, 0xa1, 0x61]]) {
    decodeMessagePack(nested(64, open), 'it');
    for (const levels of [65, 66, 100_000])
      assert.throws(() => decodeMessagePack(nested(levels, open), 'it'), { code: 'AICO_DATA_BOUNDS' });
  }
});

test('arbitrary bytes are refused with a RangeError, or decoded to data without a class', () => {
  const isData = (value: unknown): boolean => {
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return true;
    if (value instanceof Date) return !Number.isNaN(value.getTime());
    if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return false;
    return Object.values(value).every(isData);
  };
  const timestamp = fc
    .tuple(
      fc.constantFrom([0xd6], [0xd7], [0xd8], [0xc7, 12], [0xc7, 4], [0xc7, 3]),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    )
    .chain(([type, content]) =>
      fc
        .integer({ min: 3, max: 16 })
        .map((length) => Uint8Array.from([...type, 0xff, ...content.subarray(0, length)])),
    );
  const altered = fc
    .tuple(data, fc.nat(), fc.nat(255), fc.nat(), fc.uint8Array({ maxLength: 2 }))
    .map(([value, at, byte, cut, more]) => {
      const bytes = Uint8Array.from([...encode(value), ...more]);
      bytes[at % bytes.length] = byte;
      return bytes.subarray(0, bytes.length - (cut % 3 === 0 ? 1 : 0));
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), altered, timestamp), (bytes) => {
      let value: unknown;
      try {
        value = decodeMessagePack(bytes, 'it');
      } catch (error) {
        // The library itself refuses some names of properties.
        assert.ok(
          error instanceof RangeError || (error instanceof Error && error.name === 'DecodeError'),
          String(error),
        );
        return;
      }
      assert.ok(isData(value));
    }),
    { numRuns: 200 },
  );
});
