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

test('MessagePack is decoded whole, whatever is in it', () => {
  fc.assert(
    fc.property(data, (value) => {
      const bytes = encode(value);
      assert.deepEqual(encode(decodeMessagePack(bytes)), bytes);
    }),
  );
});

test('a string that is not UTF-8 is refused wherever it stands', () => {
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
      assert.throws(() => decodeMessagePack(bytes), RangeError);
    }),
  );
});
