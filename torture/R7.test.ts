import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign } from './R7.ts';

test('R7, short: requests in the clear of every kind get the same refusal and reach no handler', async (context) => {
  const outcome = await campaign({ count: 200, seed: 7, report: (line) => context.diagnostic(line) });
  assert.deepEqual({ failures: outcome.failures, ok: outcome.ok }, { failures: 0, ok: true });
});
