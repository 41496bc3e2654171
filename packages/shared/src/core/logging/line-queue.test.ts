import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LineQueue } from './line-queue.ts';

const line = (number: number, size: number) =>
  ({
    topic: undefined,
    size,
    record: { time: number, level: 'info', service: 's', component: 'c', message: '', fields: {} },
  }) as const;

test('every line is taken once and in order, waits within the bounds, or is counted as dropped', () => {
  const step = fc.oneof(
    fc.record({ push: fc.integer({ min: 1, max: 50 }) }),
    fc.constant('release' as const),
    fc.record({ take: fc.integer({ min: 1, max: 5 }), fails: fc.boolean() }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 8 }), (steps, most) => {
      const queue = new LineQueue({ lines: most, size: 200 });
      let pushed = 0;
      const stored: number[] = [];
      for (const each of steps) {
        if (each === 'release') queue.release(Number.POSITIVE_INFINITY);
        else if ('push' in each) queue.push(line(pushed++, each.push));
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

test('a line is not taken before it is released, and a listener hears of each release', () => {
  const queue = new LineQueue({ lines: 10, size: 1_000 });
  let heard = 0;
  const unlisten = queue.listen(() => (heard += 1));
  for (let n = 0; n < 4; n += 1) queue.push(line(n, 1));
  assert.deepEqual(queue.take({ lines: 10, size: 100 }), []);
  queue.release(2);
  assert.deepEqual(
    queue.take({ lines: 10, size: 100 }).map(({ record }) => record.time),
    [0, 1],
  );
  assert.equal(queue.at(2)?.record.time, 2);
  assert.equal(queue.at(1), undefined);
  queue.release(4);
  unlisten();
  queue.release(4);
  assert.equal(heard, 2);
});
