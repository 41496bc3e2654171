import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printable, printableLine } from './printable.ts';

test('printable() leaves nothing that moves the cursor, renames the window or turns the writing around', () => {
  const hostile = 'a\u001b[2J\u001b]0;title\u0007b\u009b31mc\rd\be\u202ef\0g';
  const shown = printable(hostile);
  assert.doesNotMatch(shown, /[\p{Cc}\u202e]/u);
  assert.match(shown, /^ab.*g$/);
});

test('printable() keeps lines, tabs and every script', () => {
  assert.equal(printable('Grüße\t東京\nمرحبا 👋'), 'Grüße\t東京\nمرحبا 👋');
});

test('printableLine() makes one line of a folded subject', () => {
  assert.equal(printableLine(' a\n b\t c '), 'a b c');
});
