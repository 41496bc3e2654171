import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import pc from 'picocolors';
import { onOneLine, printable, showsColours } from './style.ts';

const ESC = '\u001b';

describe('printable()', () => {
  test('leaves text, lines, tabs and the colours written here as they are', () => {
    const { red, dim, bold, green, yellow, cyan } = pc.createColors(true);
    const text = `${red('a')}\t${dim(`b ${cyan('c')}`)}\n${bold('ü 漢 👩‍👧')} ${green('d')}${yellow('e')}`;
    assert.equal(printable(text), text);
  });

  for (const [what, hostile, shown] of [
    ['clears the screen', `${ESC}[2J`, '\\u001b[2J'],
    ['sets the title', `${ESC}]0;owned\u0007`, '\\u001b]0;owned\\u0007'],
    ['hides what follows', `${ESC}[8m`, '\\u001b[8m'],
    ['writes over the line', 'paid\rfree', 'paid\\u000dfree'],
    ['rubs out', 'a\bb\u007f', 'a\\u0008b\\u007f'],
    ['begins a sequence with one byte of C1', '\u009b2J', '\\u009b2J'],
    ['turns the direction', 'exe.\u202egpj', 'exe.\\u202egpj'],
  ] as const)
    test(`shows what ${what}`, () => assert.equal(printable(hostile), shown));

  test('of any text, nothing is left that a terminal obeys but colours', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('', `${ESC}[`, `${ESC}]`), (text, begin) => {
        const shown = stripVTControlCharacters(printable(`${begin}${text}`));
        assert.doesNotMatch(shown.replaceAll(/[\n\t]/g, ''), /\p{Cc}/u);
      }),
    );
  });

  test('of JSON, the value stays the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) =>
        assert.equal(JSON.parse(printable(JSON.stringify(text))), text),
      ),
    );
  });
});

test('onOneLine() lets no text look like a line of somebody else', () => {
  assert.equal(onOneLine('read\n2026-11-23 info ok\r\nend'), 'read\\n2026-11-23 info ok\\nend');
});

test('colours are shown to a person, unless NO_COLOR or a dumb terminal says otherwise', () => {
  assert.equal(showsColours({ isTTY: true }, {}), true);
  assert.equal(showsColours({ isTTY: true }, { NO_COLOR: '1' }), false);
  assert.equal(showsColours({ isTTY: true }, { NO_COLOR: '' }), true);
  assert.equal(showsColours({ isTTY: true }, { TERM: 'dumb' }), false);
  assert.equal(showsColours({}, { CI: 'true' }), false);
  assert.equal(showsColours({}, { FORCE_COLOR: '1' }), true);
  assert.equal(showsColours({}, { FORCE_COLOR: '1', NO_COLOR: '1' }), false);
});
