import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign } from './R1.ts';

test('R1, short: kill -9 loses no acknowledged row, and no file contains a part of a row or a key', async (context) => {
  const seed = Math.trunc(performance.timeOrigin);
  const outcome = await campaign({
    count: 3,
    seed,
    report: (line) => context.diagnostic(`seed ${seed}: ${line}`),
  });
  assert.deepEqual({ failures: outcome.failures, ok: outcome.ok }, { failures: 0, ok: true });
});
