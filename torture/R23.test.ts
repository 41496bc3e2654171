import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whyNoStrace } from './fixtures/system-calls.ts';
import { campaign } from './R23.ts';

test('R23, short: after a power loss a home is completely in the old or in the new state', {
  skip: whyNoStrace() ?? false,
}, async (context) => {
  const seed = Math.trunc(performance.timeOrigin);
  const outcome = await campaign({
    count: 24,
    seed,
    report: (line) => context.diagnostic(`seed ${seed}: ${line}`),
  });
  assert.deepEqual({ failures: outcome.failures, ok: outcome.ok }, { failures: 0, ok: true });
});
