import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import fc from 'fast-check';
import { backoffCeiling, backoffDelay, pause, sleep, TokenBucket } from './index.ts';

describe('backoffDelay()', () => {
  const bounds = { minDelayMs: 100, maxDelayMs: 5_000 };

  test('doubles up to the maximum, minus a random half at most', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempt, x) => {
          const ceiling = Math.min(5_000, 100 * 2 ** (attempt - 1));
          assert.equal(backoffCeiling(attempt, bounds), ceiling);
          const delay = backoffDelay(attempt, bounds, () => x);
          assert.ok(delay >= ceiling / 2 - 1 && delay <= ceiling);
        },
      ),
    );
  });

  test('stays within its bounds after any number of attempts', () => {
    for (const attempt of [1, 2, 53, 1_024, 1_025, 1_000_000])
      for (const minDelayMs of [0, 500])
        for (const random of [0, 0.999]) {
          const ms = backoffDelay(attempt, { minDelayMs, maxDelayMs: 300_000 }, () => random);
          assert.ok(ms >= 0 && ms <= 300_000, `${ms} after ${attempt} of ${minDelayMs}`);
        }
  });
});

describe('pause()', () => {
  test('resolves with true after the delay, and with false as soon as the signal is aborted', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const controller = new AbortController();
      const passed = pause(1_000, controller.signal);
      mock.timers.tick(1_000);
      assert.equal(await passed, true);
      const cut = pause(1_000, controller.signal);
      controller.abort();
      assert.equal(await cut, false);
      assert.equal(await pause(1_000, controller.signal), false);
    } finally {
      mock.timers.reset();
    }
  });
});

describe('sleep()', () => {
  test('rejects at once with the reason of an aborted signal', async () => {
    const controller = new AbortController();
    const sleeping = sleep(60_000, controller.signal);
    const reason = new Error('stop');
    controller.abort(reason);
    await assert.rejects(sleeping, reason);
    await assert.rejects(sleep(60_000, controller.signal), reason);
    await sleep(0);
  });
});

describe('TokenBucket', () => {
  test('allows the burst at once, then one token per interval, and returns the time to wait', () => {
    let now = 0;
    const bucket = new TokenBucket({ perSecond: 10, burst: 3, now: () => now });
    assert.deepEqual(
      [1, 2, 3, 4].map(() => bucket.take()),
      [true, true, true, false],
    );
    assert.equal(bucket.waitMs(), 100);
    now = 99;
    assert.equal(bucket.take(), false);
    assert.ok(bucket.waitMs() > 0 && bucket.waitMs() <= 2, 'rounded up');
    now = 100;
    assert.equal(bucket.waitMs(), 0);
    assert.equal(bucket.take(), true);
    now = 1_000_000;
    assert.deepEqual(
      [1, 2, 3, 4].map(() => bucket.take()),
      [true, true, true, false],
    );
  });

  test('can be overdrawn up to its limit, and waits until the debt is repaid', () => {
    let now = 0;
    const bucket = new TokenBucket({ perSecond: 2, overdraft: 2, now: () => now });
    assert.deepEqual(
      [1, 2, 3, 4, 5].map(() => bucket.take()),
      [true, true, true, true, false],
    );
    assert.equal(bucket.waitMs(0), 1_000);
    now = 1_000;
    assert.equal(bucket.waitMs(0), 0);
    assert.equal(bucket.waitMs(1), 500);
  });

  test('never exceeds the burst and the rate, whatever the times of the attempts', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 200 }),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 20 }),
        (gaps, perSecond, burst) => {
          let now = 0;
          const bucket = new TokenBucket({ perSecond, burst, now: () => now });
          let taken = 0;
          for (const gap of gaps) {
            now += gap;
            if (bucket.take()) taken += 1;
            else assert.ok(bucket.waitMs() > 0);
          }
          assert.ok(taken <= burst + (now / 1_000) * perSecond + 1e-6);
        },
      ),
    );
  });
});
