import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign } from './R14.ts';

test('R14, short: a start that must be refused has a reason and an exit code, and alters no file', async (context) => {
  const outcome = await campaign({
    count: 2,
    seed: 0,
    report: (line) => context.diagnostic(line),
  });
  assert.deepEqual({ failures: outcome.failures, ok: outcome.ok }, { failures: 0, ok: true });
});
