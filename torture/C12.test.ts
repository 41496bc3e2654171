import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutNats } from '../packages/backend/test/fixtures/nats-server.ts';
import { campaign } from './C12.ts';

test('C12, short: the NATS server is killed under load, and everything is delivered or counted', {
  skip: withoutNats,
}, async (context) => {
  const seed = Math.trunc(performance.timeOrigin);
  const report = (line: string): void => context.diagnostic(`seed ${seed}: ${line}`);
  const outcome = await campaign({ count: 3, seed, report });
  assert.deepEqual({ failures: outcome.failures, ok: outcome.ok }, { failures: 0, ok: true });
});
