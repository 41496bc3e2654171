import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign } from './R24.ts';

test('R24, short: rows of the audit trail that are edited, deleted, exchanged, added or truncated are found', async (context) => {
  const seed = Math.trunc(performance.timeOrigin);
  const outcome = await campaign({
    count: 7,
    seed,
    report: (line) => context.diagnostic(`seed ${seed}: ${line}`),
  });
  assert.equal(outcome.failures, 0);
});
