import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { ColumnSeal } from './column-seal.ts';
import { SealedValueError } from './errors.ts';

const place = { table: 'device', column: 'psk', key: 'a' };

test('a sealed value opens at its place, as text or as bytes, and contains nothing of it', () => {
  const seal = new ColumnSeal(randomBytes(32));
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: 'grapheme', minLength: 8 }), fc.uint8Array({ minLength: 8 })),
      (value) => {
        const sealed = seal.seal(value, place);
        assert.deepEqual(seal.open(sealed, place), value);
        assert.equal(Buffer.from(sealed).includes(Buffer.from(value)), false);
        assert.notDeepEqual(seal.seal(value, place), sealed);
      },
    ),
    { numRuns: 50 },
  );
});

test('a sealed value does not open when it was changed, cut or moved, or with another key', () => {
  const seal = new ColumnSeal(randomBytes(32));
  const sealed = seal.seal('secret', place);
  const refused = (bytes: Uint8Array, at = place, by = seal): void => {
    assert.throws(() => by.open(bytes, at), SealedValueError);
  };
  for (let byte = 0; byte < sealed.length; byte += 1) {
    const changed = Uint8Array.from(sealed);
    changed[byte] = (changed[byte] ?? 0) ^ 1;
    refused(changed);
    refused(sealed.slice(0, byte));
  }
  for (const other of [
    { ...place, table: 'other' },
    { ...place, column: 'other' },
    { ...place, key: 'b' },
    { table: 'device","psk', column: '', key: 'a' },
  ])
    refused(sealed, other);
  refused(sealed, place, new ColumnSeal(randomBytes(32)));
  assert.throws(() => seal.openBytes(sealed, place), SealedValueError);
  assert.equal(seal.openText(sealed, place), 'secret');
});
