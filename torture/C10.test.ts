import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutNats } from '../packages/backend/test/fixtures/nats-server.ts';
import { campaign } from './C10.ts';

test('C10, short: the traffic between nodes shows no canary, and attacks on it change nothing without notice', {
  skip: withoutNats,
}, async (context) => {
  const seed = Math.trunc(performance.timeOrigin);
  const report = (line: string): void => context.diagnostic(`seed ${seed}: ${line}`);
  const outcome = await campaign({ count: 200, seed, report });
  assert.deepEqual({ failures: outcome.failures, ok: outcome.ok }, { failures: 0, ok: true });
});
