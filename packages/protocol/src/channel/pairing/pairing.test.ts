import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PairingCodeInvalidError } from '../errors.ts';
import { nobleSuite } from '../suites/noble-suite.ts';
import { sodiumSuite as suite } from '../suites/sodium-suite.ts';
import { fingerprint } from './fingerprint.ts';
import { PairingBook } from './pairing-book.ts';
import { createPairingCode, parsePairingCode } from './pairing-code.ts';

test('a code is six groups of four, and is parsed with any separators and case', () => {
  const code = createPairingCode(suite);
  assert.match(code.text, /^([0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}$/);
  const careless = code.text.toLowerCase().replaceAll('-', '').replaceAll('0', 'o').replaceAll('1', 'l');
  assert.deepEqual(parsePairingCode(nobleSuite, careless), code);
});

test('every single wrong character and every swap of two is detected', () => {
  const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
  const place = fc.integer({ min: 0, max: 23 });
  fc.assert(
    fc.property(place, place, fc.integer({ min: 1, max: 31 }), (a, b, shift) => {
      const text = createPairingCode(suite).text.replaceAll('-', '');
      const characters = [...text];
      const wrong = alphabet[(alphabet.indexOf(characters[a] ?? '') + shift) % 32] ?? '';
      assert.throws(
        () => parsePairingCode(suite, characters.with(a, wrong).join('')),
        PairingCodeInvalidError,
      );
      const swapped = characters.with(a, characters[b] ?? '').with(b, characters[a] ?? '');
      if (swapped.join('') !== text)
        assert.throws(() => parsePairingCode(suite, swapped.join('')), PairingCodeInvalidError);
    }),
  );
  for (const text of ['', 'ABCD', 'U'.repeat(24), '0'.repeat(25)])
    assert.throws(() => parsePairingCode(suite, text), PairingCodeInvalidError);
});

test('codes differ in their secret, and a new id differs from all pending ones', () => {
  const texts = new Set(Array.from({ length: 200 }, () => createPairingCode(suite).text));
  assert.equal(texts.size, 200);
  const taken = new Set([0, 1]);
  let asked = 0;
  const code = createPairingCode(suite, (id) => taken.has(id) || ++asked < 3);
  assert.equal(asked, 3);
  assert.ok(!taken.has(code.id));
});

test('a pending code expires, allows a limited number of attempts, and is removed by newer ones', () => {
  let now = 0;
  const book = new PairingBook<string>({
    suite,
    now: () => now,
    lifetimeMs: 100,
    maxAttempts: 2,
    maxPending: 2,
  });
  const first = book.issue('a');
  assert.deepEqual(book.attempt(first.id), first.psk);
  assert.deepEqual(book.attempt(first.id), first.psk);
  assert.equal(book.attempt(first.id), undefined, 'the third try finds nothing');
  assert.equal(book.has(first.id), false);
  const lapsing = book.issue('b');
  now = 100;
  assert.equal(book.attempt(lapsing.id), undefined);
  assert.equal(book.complete(lapsing.id), undefined);
  const [oldest, , newest] = [book.issue('c'), book.issue('d'), book.issue('e')];
  assert.equal(book.has(oldest.id), false);
  assert.equal(book.size, 2);
  assert.deepEqual(book.complete(newest.id), { context: 'e' });
  assert.equal(book.attempt(newest.id), undefined);
});

test('a fingerprint is the same with both suites, and differs between keys', () => {
  const key = new Uint8Array(32).fill(7);
  assert.equal(fingerprint(suite, key), fingerprint(nobleSuite, key));
  assert.match(fingerprint(suite, key), /^([0-9A-HJKMNP-TV-Z]{4}-){4}[0-9A-HJKMNP-TV-Z]{4}$/);
  assert.notEqual(
    fingerprint(suite, key),
    fingerprint(
      suite,
      key.map((byte, n) => (n === 31 ? byte ^ 1 : byte)),
    ),
  );
});
