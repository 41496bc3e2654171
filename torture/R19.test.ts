import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign, SHORT_COUNT } from './R19.ts';

test('R19, short: a hostile peer on any interface neither ends the backend nor keeps it from serving others', async (context) => {
  const seed = Math.trunc(performance.timeOrigin);
  const outcome = await campaign({
    count: SHORT_COUNT,
    seed,
    report: (line) => context.diagnostic(`seed ${seed}: ${line}`),
  });
  assert.deepEqual({ failures: outcome.failures, ok: outcome.ok }, { failures: 0, ok: true });
});
