import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign } from './R11.ts';

test('R11, short: a backend stops in order on a signal: idle, under load, with a hanging part, twice, and during its start', async (context) => {
  const seed = Math.trunc(performance.timeOrigin);
  const outcome = await campaign({
    count: 5,
    seed,
    report: (line) => context.diagnostic(`seed ${seed}: ${line}`),
  });
  assert.deepEqual({ failures: outcome.failures, ok: outcome.ok }, { failures: 0, ok: true });
});
