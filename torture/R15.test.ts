import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign } from './R15.ts';

test('R15, short: a subscriber that hangs or never reads causes no loss for others, and its own losses are counted exactly', async (context) => {
  const seed = Math.trunc(performance.timeOrigin);
  const outcome = await campaign({
    count: 4_000,
    seed,
    report: (line) => context.diagnostic(`seed ${seed}: ${line}`),
  });
  assert.equal(outcome.failures, 0);
});
