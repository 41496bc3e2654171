import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definePlugin, type Plugin } from '../plugin.ts';
import { createTestBackend } from './test-backend.ts';
import { TestClock } from './test-clock.ts';

const HOUR = 3_600_000;

test('time changes only by advance() and set()', async () => {
  const clock = new TestClock('2026-03-29T00:30:00Z');
  assert.equal(new Date(clock.now()).toISOString(), '2026-03-29T00:30:00.000Z');
  await clock.advance(HOUR);
  assert.deepEqual(
    [new Date(clock.now()).toISOString(), clock.elapsed()],
    ['2026-03-29T01:30:00.000Z', HOUR],
  );
  clock.set('2020-01-01T00:00:00Z');
  assert.deepEqual([new Date(clock.now()).getFullYear(), clock.elapsed()], [2020, HOUR]);
  await assert.rejects(clock.advance(-1), RangeError);
  assert.throws(() => clock.set('never'), RangeError);
});

test('timers fire in order at their due time, including timers set meanwhile', async () => {
  const clock = new TestClock(0);
  const fired: unknown[] = [];
  const after = async (ms: number, then?: number): Promise<void> => {
    fired.push([ms, await clock.pause(ms), clock.elapsed()]);
    if (then !== undefined) await after(then);
  };
  void after(30);
  void after(10, 5);
  void after(100);
  const controller = new AbortController();
  const aborted = clock.pause(20, controller.signal);
  controller.abort();
  assert.equal(await aborted, false);
  await clock.advance(50);
  assert.deepEqual(fired, [
    [10, true, 10],
    [5, true, 15],
    [30, true, 30],
  ]);
  assert.equal(clock.elapsed(), 50);
});

test('skip() fires each timer that became due once, at the end', async () => {
  const clock = new TestClock(0);
  const fired: number[] = [];
  const beat = async (ms: number): Promise<void> => {
    while (await clock.pause(ms)) fired.push(clock.elapsed());
  };
  void beat(10);
  void beat(25);
  void beat(2_000);
  await clock.skip(1_000);
  assert.deepEqual(fired, [1_000, 1_000]);
});

test("a backend's timers and redeliveries use it: hours pass at once, and each run ends before the next", async () => {
  const clock = new TestClock('2026-01-01T00:00:00Z');
  const runs: string[] = [];
  let attempts = 0;
  let plugin: Plugin<'message_bus' | 'database'> | undefined;
  await using backend = await createTestBackend({
    clock,
    plugins: [
      definePlugin({
        name: 'daily',
        version: '1.0.0',
        description: 'Runs on time',
        dependencies: ['message_bus', 'database'],
        async start(started) {
          plugin = started;
          started.every('hourly', HOUR, async () => {
            // Real work: it takes turns of the event loop.
            await started.requireService('database').execute('SELECT 1');
            runs.push(new Date(started.clock.now()).toISOString().slice(11, 16));
          });
          await started.consume('daily.try', 'daily', () => {
            attempts += 1;
            if (attempts < 3) throw new Error('not yet');
          });
        },
      }),
    ],
  });
  await plugin?.requireService('message_bus').publish('daily.try', {}, { durable: true });
  await backend.whenIdle();
  assert.deepEqual([attempts, runs], [1, []]);
  for (const attempt of [2, 3]) {
    // The wait grows, and is at most a second before the second attempt and two before the third.
    await clock.advance(attempt * 1_000);
    await backend.whenIdle();
    assert.equal(attempts, attempt);
  }
  await clock.advance(6 * HOUR);
  assert.deepEqual(runs, ['01:00', '02:00', '03:00', '04:00', '05:00', '06:00']);
});
