import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { testStore } from '../../test/fixtures/store.ts';
import { RetentionClock } from './retention-clock.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

test('a wall clock that is 40 days ahead for an hour advances the retention clock by about a day', async (t) => {
  const database = await (await testStore(t)).open();
  const start = Date.UTC(2026, 0, 1);
  let elapsed = 0;
  let error = 0;
  const clock = new RetentionClock({
    database,
    wallClock: () => start + elapsed + error,
    monotonicClock: () => elapsed,
  });
  await clock.start();
  assert.equal(clock.now(), start);
  error = 40 * DAY_MS;
  elapsed += HOUR_MS;
  assert.equal(clock.now() - start, 25 * HOUR_MS);
  error = 0;
  assert.equal(clock.now() - start, HOUR_MS, 'it follows the wall clock back at once');
});

test('the clock advances over many short runs, and catches up after a long time switched off', async (t) => {
  const database = await (await testStore(t)).open();
  let wall = Date.UTC(2026, 0, 1);
  const life = async (runsMs: number): Promise<number> => {
    let elapsed = 0;
    const began = wall;
    const clock = new RetentionClock({
      database,
      wallClock: () => began + elapsed,
      monotonicClock: () => elapsed,
    });
    await clock.start();
    elapsed = runsMs;
    await clock.save();
    wall += runsMs;
    return wall - clock.now();
  };
  assert.equal(await life(60_000), 0);
  wall += 30 * DAY_MS;
  const behind = await life(HOUR_MS);
  assert.ok(behind > 28 * DAY_MS && behind < 30 * DAY_MS, `${behind / DAY_MS} days behind`);
  for (let lives = 0; lives < 60; lives += 1) await life(HOUR_MS);
  assert.equal(await life(60_000), 0);
});

test('the clock is never ahead of the wall clock and never gains more than 25 hours an hour', async (t) => {
  const database = await (await testStore(t)).open();
  await new RetentionClock({ database }).start();
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          runs: fc.nat(10 * HOUR_MS),
          jump: fc.integer({ min: -400, max: 400 }),
          restart: fc.boolean(),
        }),
        { maxLength: 12 },
      ),
      async (steps) => {
        await database.execute('DELETE FROM retention_clock');
        let elapsed = 0;
        let wall = Date.UTC(2026, 0, 1);
        const opened = async (): Promise<RetentionClock> => {
          const clock = new RetentionClock({
            database,
            wallClock: () => wall,
            monotonicClock: () => elapsed,
          });
          await clock.start();
          return clock;
        };
        let clock = await opened();
        let before = clock.now();
        for (const { runs, jump, restart } of steps) {
          if (restart) {
            await clock.save();
            clock = await opened();
          }
          elapsed += runs;
          wall += runs + jump * DAY_MS;
          const now = clock.now();
          assert.ok(now <= wall);
          assert.ok(now - before <= 25 * runs + 1);
          before = now;
        }
      },
    ),
    { numRuns: 30 },
  );
});
