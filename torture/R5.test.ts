import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign } from './R5.ts';

test('R5, short: nothing altered is accepted, and every refusal is the same', async (context) => {
  const seed = Math.trunc(performance.timeOrigin);
  const outcome = await campaign({
    count: 200,
    seed,
    report: (line) => context.diagnostic(`seed ${seed}: ${line}`),
  });
  assert.deepEqual({ failures: outcome.failures, ok: outcome.ok }, { failures: 0, ok: true });
});
