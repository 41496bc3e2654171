import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LineQueue } from './line-queue.ts';
import type { LogLevel } from './types.ts';

function push(queue: LineQueue, time: number, size: number, level: LogLevel = 'info'): void {
  queue.push({ time, level, service: 's', component: 'c', message: '', fields: {} }, undefined, size);
}

test('every line is taken once and in order, waits within the bounds, or is counted as dropped', () => {
  const step = fc.oneof(
    fc.record({
      push: fc.integer({ min: 1, max: 50 }),
      level: fc.constantFrom<LogLevel>('info', 'warn'),
    }),
    fc.constant('release' as const),
    fc.record({ take: fc.integer({ min: 1, max: 5 }), fails: fc.boolean() }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 8 }), (steps, most) => {
      const queue = new LineQueue({ lines: most, size: 200 });
      let pushed = 0;
      const stored: number[] = [];
      for (const each of steps) {
        if (each === 'release') queue.release(queue.length);
        else if ('push' in each) push(queue, pushed++, each.push, each.level);
        else {
          const released = queue.released;
          const taken = queue.take({ lines: each.take, size: 60 });
          assert.ok(taken.length <= Math.min(each.take, released));
          assert.ok(released === 0 || taken.length > 0);
          if (each.fails) queue.putBack(taken);
          else stored.push(...taken.map(({ record }) => record.time));
        }
        assert.ok(queue.length <= most);
        assert.equal(stored.length + queue.length + queue.dropped, pushed);
        assert.deepEqual(
          stored,
          stored.toSorted((a, b) => a - b),
        );
      }
      assert.equal(new Set(stored).size, stored.length);
    }),
    { numRuns: 500 },
  );
});

test('a line is not taken before it is released, and a listener is called for each release', () => {
  const queue = new LineQueue({ lines: 10, size: 1_000 });
  let heard = 0;
  const unlisten = queue.listen(() => (heard += 1));
  for (let n = 0; n < 4; n += 1) push(queue, n, 1);
  assert.deepEqual(queue.take({ lines: 10, size: 100 }), []);
  queue.release(2);
  assert.deepEqual(
    queue.take({ lines: 10, size: 100 }).map(({ record }) => record.time),
    [0, 1],
  );
  assert.equal(queue.peekUnreleased(0)?.record.time, 2);
  assert.equal(queue.peekUnreleased(2), undefined);
  queue.release(2);
  unlisten();
  queue.release(1);
  assert.equal(heard, 2);
});

test('a full queue drops lower lines before any of warn and above, and says exactly which time is missing', () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { maxLength: 300 }),
      fc.integer({ min: 1, max: 64 }),
      (levels, most) => {
        const queue = new LineQueue({ lines: most, size: 1_000_000 });
        for (const [number, isSevere] of levels.entries())
          push(queue, number, 1, isSevere ? 'error' : 'debug');
        queue.release(queue.length);
        const kept = queue.take({ lines: 1_000, size: 1_000_000 }).map(({ record }) => record);
        const severe = levels.filter((isSevere) => isSevere).length;
        const keptSevere = kept.filter(({ level }) => level === 'error').length;
        assert.equal(keptSevere, Math.min(severe, most), 'as many of them as there is room for');
        const missing = levels.map((_, number) => number).filter((n) => !kept.some(({ time }) => time === n));
        const expected = {
          dropped: missing.length,
          severe: severe - keptSevere,
          from: missing[0],
          to: missing.at(-1),
        };
        const gaps: unknown[] = [];
        queue.onGap((gap) => gaps.push(gap));
        queue.confirm();
        queue.confirm();
        assert.deepEqual(gaps, missing.length === 0 ? [] : [expected]);
      },
    ),
  );
});

test('a queue that stays full costs a line no more than one that is empty', () => {
  const queue = new LineQueue({ lines: 50_000, size: 1e9 });
  const costOf = (level: LogLevel): number => {
    const start = performance.now();
    for (let n = 0; n < 100_000; n += 1) push(queue, n, 1, level);
    return performance.now() - start;
  };
  // Looking through all lines for each of these would take minutes.
  assert.ok(costOf('info') + costOf('warn') + costOf('info') + costOf('error') < 20_000);
  assert.equal(queue.length, 50_000);
});

test('a queue that is more than a quarter full tells when there is room again', async () => {
  const queue = new LineQueue({ lines: 8, size: 1_000 });
  const roomOf = (): Promise<void> | undefined => queue.room;
  push(queue, 0, 1);
  push(queue, 1, 1);
  assert.equal(roomOf(), undefined);
  push(queue, 2, 1);
  const room = roomOf();
  assert.ok(room !== undefined);
  let hasRoom = false;
  void room.then(() => {
    hasRoom = true;
  });
  queue.release(3);
  queue.putBack(queue.take({ lines: 1, size: 1_000 }));
  await Promise.resolve();
  assert.equal(hasRoom, false, 'a line that could not be stored takes its place again');
  queue.take({ lines: 1, size: 1_000 });
  queue.confirm();
  await room;
  assert.equal(roomOf(), undefined);
});
