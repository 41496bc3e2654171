import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign } from './R11.ts';

test('R11, short: a signal at rest, under load, beside something that hangs, a second one, and one while it starts', async (context) => {
  const seed = Math.trunc(performance.timeOrigin);
  const outcome = await campaign({
    count: 5,
    seed,
    report: (line) => context.diagnostic(`seed ${seed}: ${line}`),
  });
  assert.deepEqual({ failures: outcome.failures, ok: outcome.ok }, { failures: 0, ok: true });
});
