import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign } from './R20.ts';

test('R20, short: despite a man in the middle, every operation of both clients ends in time, and no byte is wrong', async (context) => {
  const seed = Math.trunc(performance.timeOrigin);
  const outcome = await campaign({
    count: 48,
    seed,
    report: (line) => context.diagnostic(`seed ${seed}: ${line}`),
  });
  assert.deepEqual({ failures: outcome.failures, ok: outcome.ok }, { failures: 0, ok: true });
});
