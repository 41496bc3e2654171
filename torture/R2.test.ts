import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign } from './R2.ts';

test('R2, short: flipped bits and swapped pages never give a wrong row', async (context) => {
  const seed = Math.trunc(performance.timeOrigin);
  const outcome = await campaign({
    count: 14,
    seed,
    report: (line) => context.diagnostic(`seed ${seed}: ${line}`),
  });
  assert.deepEqual({ failures: outcome.failures, ok: outcome.ok }, { failures: 0, ok: true });
});
