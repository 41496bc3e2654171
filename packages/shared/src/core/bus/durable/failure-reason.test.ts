import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storedReasonOf } from './failure-reason.ts';

test('the reason of a failure has no NUL and no lone surrogate, which a database refuses, and a bounded length', () => {
  assert.equal(storedReasonOf(new Error('a\0b\ud800c')), 'a\ufffdb\ufffdc');
  assert.equal(storedReasonOf(new Error(`${'a'.repeat(1_023)}😀`)), `${'a'.repeat(1_023)}\ufffd`);
});
