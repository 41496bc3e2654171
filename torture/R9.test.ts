import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign } from './R9.ts';

test('R9, short: no message is delivered on the bus without the right to it', async (context) => {
  const seed = Math.trunc(performance.timeOrigin);
  const outcome = await campaign({
    count: 1,
    seed,
    report: (line) => context.diagnostic(`seed ${seed}: ${line}`),
  });
  assert.deepEqual({ failures: outcome.failures, ok: outcome.ok }, { failures: 0, ok: true });
});
