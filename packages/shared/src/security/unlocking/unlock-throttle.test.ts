import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { UnlockThrottledError } from '../errors.ts';
import { UnlockThrottle, waitAfter } from './unlock-throttle.ts';

let base = '';
let files = 0;
before(async () => {
  base = await mkdtemp(path.join(os.tmpdir(), 'aico-throttle-'));
});
after(async () => {
  await rm(base, { recursive: true, force: true });
});

function clocked() {
  files += 1;
  const file = path.join(base, `tries-${files}`);
  const clock = { now: 1_800_000_000_000 };
  return { file, clock, open: () => new UnlockThrottle(file, () => clock.now) };
}

const refusedFor = (ms: number) => (error: unknown) => {
  assert.ok(error instanceof UnlockThrottledError);
  assert.equal(error.retryAfterMs, ms);
  return true;
};

describe('failed attempts', () => {
  test('are slowed down from the fourth on, doubling up to five minutes', () => {
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5, 11, 12, 1_000_000].map(waitAfter),
      [0, 0, 0, 1_000, 2_000, 4_000, 256_000, 300_000, 300_000],
    );
  });

  test('are counted across restarts, and a successful one resets the count', async () => {
    const { clock, open } = clocked();
    for (let tries = 0; tries < 3; tries += 1) await open().begin();
    await assert.rejects(open().begin(), refusedFor(1_000));
    clock.now += 999;
    await assert.rejects(open().begin(), refusedFor(1));
    assert.deepEqual(await open().status(), { failures: 3, retryAfterMs: 1 });
    clock.now += 1;
    const throttle = open();
    await throttle.begin();
    await assert.rejects(throttle.begin(), refusedFor(2_000));
    clock.now += 2_000;
    await throttle.begin();
    await throttle.succeeded();
    assert.deepEqual(await open().status(), { failures: 0, retryAfterMs: 0 });
    await throttle.begin();
  });

  test('cause at most one delay when the clock is set back', async () => {
    const { clock, open } = clocked();
    for (let tries = 0; tries < 3; tries += 1) await open().begin();
    clock.now -= 365 * 86_400_000;
    await assert.rejects(open().begin(), refusedFor(1_000));
    clock.now += 1_000;
    await open().begin();
  });

  test('are forgotten when their file is damaged, and kept in memory when it cannot be written', async () => {
    const { file, clock, open } = clocked();
    for (const content of ['', '{', '[]', '{"version":1,"failures":-1,"lastAt":0}', '\u0000'.repeat(100)]) {
      await writeFile(file, content);
      assert.deepEqual(await open().status(), { failures: 0, retryAfterMs: 0 });
    }
    const nowhere = new UnlockThrottle(path.join(base, 'missing', 'tries'), () => clock.now);
    for (let tries = 0; tries < 3; tries += 1) await nowhere.begin();
    await assert.rejects(nowhere.begin(), UnlockThrottledError);
  });
});
