import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign } from './R16.ts';

test('R16, short: reloads during requests and messages leave nothing behind, and lose and repeat no message', async (context) => {
  const seed = Math.trunc(performance.timeOrigin);
  const report = (line: string): void => context.diagnostic(`seed ${seed}: ${line}`);
  const outcome = await campaign({ count: 6, seed, report });
  assert.equal(outcome.failures, 0);
});
