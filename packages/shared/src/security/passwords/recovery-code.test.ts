import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RecoveryCodeInvalidError } from '../errors.ts';
import { createRecoveryCode, decodeRecoveryCode, encodeRecoveryCode } from './recovery-code.ts';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const symbols = fc
  .array(fc.constantFrom(...ALPHABET), { minLength: 27, maxLength: 27 })
  .map((each) => each.join(''));
const groups = (code: string): string => code.replaceAll('-', '');

test('a recovery code is seven groups of four, is random, and can be decoded', () => {
  const codes = Array.from({ length: 50 }, () => createRecoveryCode());
  assert.equal(new Set(codes).size, 50);
  for (const code of codes) {
    assert.match(code, /^(?:[0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{3}[0-9A-HJKMNP-TV-Z*~$=U]$/);
    assert.equal(decodeRecoveryCode(code), groups(code).slice(0, 27));
  }
});

test("the check symbol is Crockford's: the number modulo 37", () => {
  fc.assert(
    fc.property(symbols, (value) => {
      let number = 0n;
      for (const symbol of value) number = number * 32n + BigInt(ALPHABET.indexOf(symbol));
      assert.equal(encodeRecoveryCode(value).at(-1), `${ALPHABET}*~$=U`[Number(number % 37n)]);
    }),
  );
});

test('case, spaces, dashes of any length and the letters that look like digits do not matter', () => {
  const spelling = fc.array(fc.constantFrom('', ' ', '-', '\u2013', '\t', '\u00a0'), {
    minLength: 28,
    maxLength: 28,
  });
  fc.assert(
    fc.property(symbols, spelling, fc.boolean(), (value, gaps, lower) => {
      const code = groups(encodeRecoveryCode(value));
      const looks = [...code].map(
        (symbol, index) => (index % 2 === 0 ? { 0: 'O', 1: 'l' }[symbol] : undefined) ?? symbol,
      );
      const typed = looks.map((symbol, index) => symbol + (gaps[index] ?? '')).join('');
      assert.equal(decodeRecoveryCode(lower ? typed.toLowerCase() : typed), value);
    }),
  );
});

test('a wrong symbol and two exchanged symbols are reported as a typo', () => {
  const place = fc.integer({ min: 0, max: 27 });
  fc.assert(
    fc.property(symbols, place, fc.constantFrom(...ALPHABET), (value, at, other) => {
      const code = groups(encodeRecoveryCode(value));
      fc.pre(code[at] !== other);
      const typed = code.slice(0, at) + other + code.slice(at + 1);
      assert.throws(() => decodeRecoveryCode(typed), RecoveryCodeInvalidError);
    }),
    { numRuns: 1_000 },
  );
  fc.assert(
    fc.property(
      symbols,
      fc.integer({ min: 0, max: 26 }),
      fc.integer({ min: 0, max: 26 }),
      (value, one, second) => {
        // The check symbol itself is only held against exchange with its neighbour.
        const other = one === 26 ? 27 : second;
        const typed = [...groups(encodeRecoveryCode(value))];
        fc.pre(typed[one] !== typed[other]);
        [typed[one], typed[other]] = [typed[other] ?? '', typed[one] ?? ''];
        assert.throws(() => decodeRecoveryCode(typed.join('')), RecoveryCodeInvalidError);
      },
    ),
    { numRuns: 1_000 },
  );
});

test('other text is refused with a reason that does not repeat the input', () => {
  assert.throws(() => decodeRecoveryCode(''), /it has 0 characters/);
  assert.throws(() => decodeRecoveryCode(createRecoveryCode().slice(2)), /it has 26 characters/);
  assert.throws(
    () => decodeRecoveryCode('correct horse battery staple!'),
    /a character that no recovery code/,
  );
  fc.assert(
    fc.property(fc.string(), (typed) => {
      assert.throws(() => decodeRecoveryCode(typed), RecoveryCodeInvalidError);
    }),
  );
});
