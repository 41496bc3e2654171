import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { onOneLine, showsColours, styles, terminalText } from './style.ts';
import { table } from './table.ts';

const ESC = '\u001b';
const REPOSITORY = fileURLToPath(new URL('../../../..', import.meta.url));

describe('terminalText()', () => {
  test('keeps lines, tabs and letters of every script, and shows styles as colours', () => {
    const text = `${styles.red('a')}\t${styles.dim('b')}\n${styles.bold('ü 漢 👩‍👧')}`;
    assert.equal(
      terminalText(text, true),
      `${ESC}[31ma${ESC}[39m\t${ESC}[2mb${ESC}[22m\n${ESC}[1mü 漢 👩‍👧${ESC}[22m`,
    );
    assert.equal(terminalText(text, false), 'a\tb\nü 漢 👩‍👧');
  });

  test('escapes every control character of foreign text, including colours', () => {
    const sequence = fc.constantFrom(
      '',
      `${ESC}[31m`,
      `${ESC}[1234;5678;9012;3456;31m`,
      `${ESC}]0;x\u0007`,
      '\u009b2J',
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), sequence, fc.boolean(), (text, begin, isColoured) => {
        const shown = terminalText(begin + text, isColoured);
        assert.doesNotMatch(shown.replaceAll(/[\n\t]/g, ''), /[\p{Cc}\p{Bidi_Control}]/u);
        assert.doesNotMatch(onOneLine(begin + text), /[\p{Cc}\p{Bidi_Control}]/u);
      }),
    );
  });

  test('keeps the value of JSON text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) =>
        assert.equal(JSON.parse(terminalText(JSON.stringify(text), false)), text),
      ),
    );
  });
});

test('onOneLine() and table cells do not let text look like another line', () => {
  assert.equal(onOneLine('read\n2026-11-23 info ok\r\nend'), 'read\\n2026-11-23 info ok\\r\\nend');
  const lines = table(['a', 'b'], [[`x\n${ESC}[2Jy`, styles.green('on')]]);
  assert.equal(terminalText(lines, false), 'a              b\nx\\n\\u001b[2Jy  on');
});

test('colours are shown on a terminal, except with NO_COLOR or on a dumb terminal', () => {
  assert.equal(showsColours({ isTTY: true }, {}), true);
  assert.equal(showsColours({ isTTY: true }, { NO_COLOR: '1' }), false);
  assert.equal(showsColours({ isTTY: true }, { NO_COLOR: '' }), true);
  assert.equal(showsColours({ isTTY: true }, { TERM: 'dumb' }), false);
  assert.equal(showsColours({}, { CI: 'true' }), false);
  assert.equal(showsColours({}, { FORCE_COLOR: '1' }), true);
  assert.equal(showsColours({}, { FORCE_COLOR: '1', NO_COLOR: '1' }), false);
});

test('all commands, including those of plugins, write through one module that escapes foreign text', () => {
  const sources = globSync(
    ['packages/cli/src/**/*.{ts,js}', 'examples/*/src/cli/**/*.ts', 'examples/*/src/cli.ts'],
    {
      cwd: REPOSITORY,
    },
  ).filter((file) => !file.endsWith('.test.ts') && !file.includes(`${path.sep}launcher${path.sep}`));
  assert.ok(sources.length > 40);
  const writing = sources.filter((file) =>
    /\bconsole\.\w+\(|\b(?:stdout|stderr)\s*\.write\b|\bwriteSync\(/.test(
      readFileSync(path.join(REPOSITORY, file), 'utf8'),
    ),
  );
  assert.deepEqual(writing, [path.join('packages', 'cli', 'src', 'terminal', 'output.ts')]);
});
