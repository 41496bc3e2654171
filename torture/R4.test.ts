import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign } from './R4.ts';

test('R4, short: no line of warn and above is lost or stored twice at kill -9, and others only of the last 100 ms', async (context) => {
  const seed = Math.trunc(performance.timeOrigin);
  const outcome = await campaign({
    count: 3,
    seed,
    report: (line) => context.diagnostic(`seed ${seed}: ${line}`),
  });
  assert.equal(outcome.failures, 0);
});
