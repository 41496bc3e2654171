import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutNats } from '../packages/backend/test/fixtures/nats-server.ts';
import { campaign } from './C6.ts';

test('C6, short: what is dropped for a slow node is counted exactly, and another node receives everything', {
  skip: withoutNats,
}, async (context) => {
  const seed = Math.trunc(performance.timeOrigin);
  const report = (line: string): void => context.diagnostic(line);
  const outcome = await campaign({ count: 2, seed, report });
  assert.deepEqual({ failures: outcome.failures, ok: outcome.ok }, { failures: 0, ok: true });
});
