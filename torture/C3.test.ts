import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_POSTGRES } from '../packages/shared/test/fixtures/postgres-server.ts';
import { campaign } from './C3.ts';

test('C3, short: a node that was stopped past its lease is refused when it continues', {
  skip: NO_POSTGRES,
}, async (context) => {
  const outcome = await campaign({ count: 3, seed: 0, report: (line) => context.diagnostic(line) });
  assert.equal(outcome.failures, 0);
});
