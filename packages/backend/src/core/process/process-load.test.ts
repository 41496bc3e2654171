import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { LoadMeter } from './process-load.ts';

test('the load of the process has the delay of the event loop since the last reading', async () => {
  using meter = new LoadMeter();
  const first = meter.read();
  assert.deepEqual([first.eventLoop.meanDelayMs, first.eventLoop.maxDelayMs], [0, 0]);
  assert.ok(first.memory.rssBytes > first.memory.heapUsedBytes && first.memory.heapUsedBytes > 0);
  // The timer of the measurement has to run before and after the event loop is blocked.
  await wait(60);
  const until = performance.now() + 100;
  while (performance.now() < until);
  await wait(60);
  const { busy, meanDelayMs, maxDelayMs } = meter.read().eventLoop;
  assert.ok(maxDelayMs >= 60, `${maxDelayMs}`);
  assert.ok(meanDelayMs > 0 && meanDelayMs <= maxDelayMs);
  assert.ok(busy > 0 && busy <= 1, `${busy}`);
});
