import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { printable } from './printable.ts';

const HOSTILE = /[\p{Cc}\p{Cs}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0001}]/u;

describe('printable()', () => {
  for (const text of ['plain', 'ü 漢 ﷽', '👩‍👧 👍🏽 1️⃣ ❤️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿', 'می‌خواهم', 'क्‍ष', '↩︎', '葛\u{e0100}城', '‱ ± ¬'])
    test(`leaves ${JSON.stringify(text)} unchanged`, () => assert.equal(printable(text), text));

  for (const [what, text, shown] of [
    ['clears the screen', '\u001b[2J', '\\u001b[2J'],
    ['sets a colour', '\u001b[8mx', '\\u001b[8mx'],
    ['begins a line', 'a\r\nb\tc', 'a\\r\\nb\\tc'],
    ['deletes', 'a\bb\u007f', 'a\\u0008b\\u007f'],
    ['begins a sequence in one byte of C1', '\u009b2J', '\\u009b2J'],
    ['turns the direction', 'exe.\u202egpj', 'exe.\\u202egpj'],
    ['isolates a direction', 'a\u2066b\u2069', 'a\\u2066b\\u2069'],
    ['marks a direction', 'a\u200eb\u061c', 'a\\u200eb\\u061c'],
    ['has no width', 'pay\u200bpal\ufeff\u2060', 'pay\\u200bpal\\ufeff\\u2060'],
    ['joins letters that need no joiner', 'pay\u200dpal', 'pay\\u200dpal'],
    ['separates lines', 'a\u2028b\u2029', 'a\\u2028b\\u2029'],
    ['hides text in tags', 'a\u{e0041}\u{e007f}', 'a\\udb40\\udc41\\udb40\\udc7f'],
    ['hides bytes in variation selectors', 'a\u{e0100}\ufe01', 'a\\udb40\\udd00\\ufe01'],
    ['is half a pair', 'a\ud800', 'a\\ud800'],
  ] as const)
    test(`escapes a character that ${what}`, () => assert.equal(printable(text), shown));

  test('keeps line breaks and tabs in multi-line text', () => {
    assert.equal(printable('a\r\n\tb\rc\u001b', { lines: true }), 'a\n\tb\\rc\\u001b');
  });

  test('leaves no control or invisible character in any text', () => {
    const hostile = fc.constantFrom(
      ...'\u001b\u009b\u202e\u2066\u200b\u200d\ufe0f\n👩'.split(''),
      '👩',
      '\u{e0041}',
    );
    const text = fc.array(fc.oneof(hostile, fc.string({ unit: 'binary' }))).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, (each) => {
        assert.doesNotMatch(printable(each).replaceAll(/\p{RGI_Emoji}/gv, ''), HOSTILE);
      }),
      { numRuns: 500 },
    );
  });

  test('keeps the value of JSON text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) =>
        assert.equal(JSON.parse(printable(JSON.stringify(text))), text),
      ),
    );
  });

  test('is idempotent', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) =>
        assert.equal(printable(printable(text)), printable(text)),
      ),
    );
  });
});
