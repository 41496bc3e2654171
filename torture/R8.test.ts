import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign } from './R8.ts';

test('R8, short: hostile frames neither end the broker nor increase its memory, and a correct client is served throughout', async (context) => {
  const seed = Math.trunc(performance.timeOrigin);
  const outcome = await campaign({
    count: 10_000,
    seed,
    report: (line) => context.diagnostic(`seed ${seed}: ${line}`),
  });
  assert.deepEqual({ failures: outcome.failures, ok: outcome.ok }, { failures: 0, ok: true });
});
