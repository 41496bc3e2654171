import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign } from './R10.ts';

test('R10, short: hostile graphs start in order, stop in reverse and leave no handle, also when services fail', async (context) => {
  const seed = Math.trunc(performance.timeOrigin);
  const outcome = await campaign({
    count: 12,
    seed,
    report: (line) => context.diagnostic(`seed ${seed}: ${line}`),
  });
  assert.deepEqual({ failures: outcome.failures, ok: outcome.ok }, { failures: 0, ok: true });
});
