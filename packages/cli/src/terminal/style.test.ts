import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import pc from 'picocolors';
import { answerText, onOneLine, showsColours } from './style.ts';

const ESC = '\u001b';

describe('answerText()', () => {
  test('keeps lines, tabs and the colours written here', () => {
    const { red, dim, bold, green, yellow, cyan } = pc.createColors(true);
    const text = `${red('a')}\t${dim(`b ${cyan('c')}`)}\n${bold('ü 漢 👩‍👧')} ${green('d')}${yellow('e')}`;
    assert.equal(answerText(text), text);
  });

  test('escapes every other sequence that a terminal obeys', () => {
    assert.equal(answerText(`${ESC}[8mhidden\r${ESC}]0;x\u0007`), '\\u001b[8mhidden\\r\\u001b]0;x\\u0007');
  });

  test('leaves nothing but colours that a terminal obeys, in any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('', `${ESC}[`, `${ESC}]`), (text, begin) => {
        const shown = stripVTControlCharacters(answerText(`${begin}${text}`));
        assert.doesNotMatch(shown.replaceAll(/[\n\t]/g, ''), /\p{Cc}/u);
      }),
    );
  });

  test('keeps the value of JSON', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) =>
        assert.equal(JSON.parse(answerText(JSON.stringify(text))), text),
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
