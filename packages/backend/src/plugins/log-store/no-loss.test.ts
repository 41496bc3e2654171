/** Log lines in a real database, with a spool, over kills, refusals, and stops of the bus and of the store. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import type { LogLevel } from '@aico/shared/core/logging';
import fc from 'fast-check';
import { burst } from '../../../test/fixtures/log-burst.ts';
import { Life, stored, withDatabase } from '../../../test/fixtures/logging-life.ts';

test('every line of warn and above is stored once, and others once at most, in order, over kills, refusals and lost answers', async () => {
  const action = fc.oneof(
    { weight: 4, arbitrary: fc.record({ log: fc.integer({ min: 1, max: 30 }) }) },
    { weight: 3, arbitrary: fc.constant('flush' as const) },
    fc.constantFrom('kill' as const, 'stop' as const, 'refuse' as const, 'accept' as const, 'lose' as const),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 25 }), async (actions) => {
      await withDatabase(async (database, folder) => {
        const severe: number[] = [];
        let n = 0;
        const begin = async (): Promise<Life> => {
          const life = new Life(database, folder);
          life.logging.attach({ publish: async () => undefined });
          await life.startStore();
          return life;
        };
        let life = await begin();
        const log = (count: number): void => {
          const logger = life.logging.getLogger('s', 'c');
          for (let each = 0; each < count; each += 1, n += 1) {
            const level: LogLevel = n % 3 === 0 ? 'warn' : 'info';
            logger[level]('m', { n });
            if (level === 'warn') severe.push(n);
          }
        };
        for (const each of actions) {
          if (typeof each === 'object') log(each.log);
          else if (each === 'flush') await life.flush();
          else if (each === 'refuse') database.refuse(new Error('full'));
          else if (each === 'accept') database.refuse(undefined);
          else if (each === 'lose') life.losesAnswer = true;
          else {
            if (each === 'kill') life.kill();
            else await life.stop();
            life = await begin();
          }
        }
        database.refuse(undefined);
        await life.stop();
        const last = await begin();
        await last.flush();
        await last.stop();
        const found = await stored(database);
        assert.deepEqual(
          found,
          found.toSorted((a, b) => a - b),
          'in order',
        );
        assert.equal(new Set(found).size, found.length, 'none twice');
        const missing = new Set(severe).difference(new Set(found));
        assert.deepEqual([...missing], []);
        assert.deepEqual(await readdir(folder), [], 'no spool is left');
      });
    }),
    { numRuns: 10 },
  );
});

test('a flush and a stop of the store end while lines are logged without a pause, and a second store takes over in order', async () => {
  await withDatabase(async (database, folder) => {
    const life = new Life(database, folder);
    life.logging.attach({ publish: async () => undefined });
    const logger = life.logging.getLogger('s', 'c');
    let n = 0;
    // More lines than a batch has, so that the queue is never empty while there are writes.
    life.onExecute = () => {
      for (let each = 0; each < 40 && n < 20_000; each += 1, n += 1) logger.info('m', { n });
    };
    await life.startStore(32);
    for (let round = 0; round < 3; round += 1) {
      logger.warn('m', { n });
      n += 1;
      const last = n - 1;
      await life.flush();
      assert.ok((await stored(database)).includes(last), 'everything logged before the flush is stored');
      await life.stopStore();
      await life.startStore(32);
    }
    assert.ok(n < 20_000, 'lines were logged all the time');
    life.onExecute = () => undefined;
    await life.flush();
    await life.stop();
    assert.deepEqual(
      await stored(database),
      Array.from({ length: n }, (_, each) => each),
    );
  });
});

for (const [queue, limits] of [
  ['a queue that holds them all', undefined],
  ['a queue that drops the oldest below warn', { lines: 12_000, size: 64 * 1_048_576 }],
] as const)
  test(`100,000 lines in bursts before the bus is up, while it is, and while the store stops and starts: each is stored once, or counted as dropped (${queue})`, async () => {
    const { dropped, ...verdict } = await burst(25_000, limits);
    assert.deepEqual(verdict, { lines: 100_000, severeLost: 0, storedTwice: 0, notCounted: 0 });
    assert.equal(dropped > 0, limits !== undefined);
  });
