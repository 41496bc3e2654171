import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign } from './R18.ts';

test('R18, short: hostile SQL reaches no table of another owner, and affects no write of another owner', async (context) => {
  const seed = Math.trunc(performance.timeOrigin);
  const count = 400;
  const outcome = await campaign({
    count,
    seed,
    report: (line) => context.diagnostic(`seed ${seed}: ${line}`),
  });
  assert.equal(outcome.failures, 0);
  // Most statements are sound SQL, so that it was the boundary that refused them and not the parser.
  const { tally } = outcome as { tally?: Record<string, number> };
  assert.ok((tally?.AICO_DATA_NOT_OWNED ?? 0) > count / 4, JSON.stringify(tally));
});
