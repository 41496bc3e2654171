import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign } from './R13.ts';

test('R13, short: a secret that is entered in any way appears in no file, output, reply or command line', async (context) => {
  const outcome = await campaign({ count: 12, seed: 0, report: (line) => context.diagnostic(line) });
  assert.deepEqual({ failures: outcome.failures, ok: outcome.ok }, { failures: 0, ok: true });
});
