import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign } from './R6.ts';

test('R6, short: nothing replayed is executed twice', async (context) => {
  const seed = Math.trunc(performance.timeOrigin);
  const outcome = await campaign({
    count: 100,
    seed,
    report: (line) => context.diagnostic(`seed ${seed}: ${line}`),
  });
  assert.deepEqual({ failures: outcome.failures, ok: outcome.ok }, { failures: 0, ok: true });
});
