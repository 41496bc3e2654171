import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomConflicts } from './conflicts.ts';

test('random conflicts make about a quarter of all transactions run twice', () => {
  const conflicts = randomConflicts(() => 0.1);
  assert.deepEqual(
    [1, 2].map((run) => conflicts.inTransaction?.(run)),
    [true, false],
  );
  assert.equal(randomConflicts(() => 0.5).inTransaction?.(1), false);
});
