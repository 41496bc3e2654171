import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign } from './R17.ts';

test('R17, short: every refusal of the system is reported with a message, and nothing is lost', async (context) => {
  const outcome = await campaign({ count: 3, seed: 1, report: (line) => context.diagnostic(line) });
  if (outcome.skipped !== undefined) context.skip(String(outcome.skipped));
  assert.deepEqual({ failures: outcome.failures, ok: outcome.ok }, { failures: 0, ok: true });
});
