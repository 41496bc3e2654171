import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutNats } from '../packages/backend/test/fixtures/nats-server.ts';
import { campaign } from './C5.ts';

test('C5, short: no message is lost that is published after subscribe() has resolved on another node', {
  skip: withoutNats,
}, async (context) => {
  const seed = Math.trunc(performance.timeOrigin);
  const report = (line: string): void => context.diagnostic(`seed ${seed}: ${line}`);
  const outcome = await campaign({ count: 100, seed, report });
  assert.deepEqual({ failures: outcome.failures, ok: outcome.ok }, { failures: 0, ok: true });
});
