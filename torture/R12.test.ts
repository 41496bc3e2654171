import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign } from './R12.ts';

test('R12, short: a home opens with the old or the new password, whenever the change is killed', async (context) => {
  const seed = Math.trunc(performance.timeOrigin);
  const outcome = await campaign({
    count: 2,
    seed,
    report: (line) => context.diagnostic(`seed ${seed}: ${line}`),
  });
  assert.deepEqual({ failures: outcome.failures, ok: outcome.ok }, { failures: 0, ok: true });
});
