import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign } from './R3.ts';

test('R3, short: no durable message is lost at kill -9, and none has its effect twice', async (context) => {
  const seed = Math.trunc(performance.timeOrigin);
  const { runs, ...outcome } = await campaign({
    count: 1,
    seed,
    report: (line) => context.diagnostic(`seed ${seed}: ${line}`),
  });
  assert.equal(outcome.ok, true, JSON.stringify(outcome));
  assert.equal(runs, 4);
});
