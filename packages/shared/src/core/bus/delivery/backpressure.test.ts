import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { BusFullError, InProcessBus, MessageBusClient, type Subscription } from '../index.ts';

async function connected(): Promise<MessageBusClient> {
  const client = new MessageBusClient({ source: 'test', onError: () => {} });
  await client.connect();
  return client;
}

/** Whether `promise` has settled after all pending tasks of the event loop have run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const done = (): void => {
    settled = true;
  };
  promise.then(done, done);
  await new Promise(setImmediate);
  return settled;
}

describe("overflow: 'wait'", () => {
  test('publish() resolves when there is room, in order, and the slow handler misses nothing', async () => {
    const client = await connected();
    const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
    const seen: unknown[] = [];
    const handler = (_topic: string, n: unknown): Promise<void> => {
      seen.push(n);
      return gates[Number(n)]?.promise ?? Promise.resolve();
    };
    const slow = await client.subscribe('a', handler, { queueLimit: 2, overflow: 'wait' });
    await client.publish('a', 0);
    await new Promise(setImmediate);
    await client.publish('a', 1);
    await client.publish('a', 2);
    const third = client.publish('a', 3);
    const fourth = client.publish('a', 4);
    assert.equal(await isSettled(third), false);
    assert.deepEqual(slow.stats, { delivered: 0, dropped: 0, failed: 0, queued: 5 });
    gates[0]?.resolve();
    await third;
    assert.equal(await isSettled(fourth), false);
    for (const gate of gates) gate.resolve();
    await fourth;
    await client.drain();
    assert.deepEqual(seen, [0, 1, 2, 3, 4]);
    assert.deepEqual(slow.stats, { delivered: 5, dropped: 0, failed: 0, queued: 0 });
  });

  test('a handler that awaits a publish to its own subscription gets an error, not a deadlock', async () => {
    const client = await connected();
    const failure = Promise.withResolvers<unknown>();
    const own = async (): Promise<void> => {
      await client.publish('a', 1);
      await client.publish('a', 2).catch(failure.resolve);
    };
    await client.subscribe('a', own, { queueLimit: 1, overflow: 'wait', waitMs: 1 });
    await client.publish('a', 0);
    const error = await failure.promise;
    assert.ok(error instanceof BusFullError);
    assert.deepEqual([error.code, error.outcome, error.pattern], ['AICO_BUS_FULL', 'late', 'a']);
    await client.close();
  });

  test('a publisher that does not await is bounded: excess messages are dropped, counted and reported', async () => {
    const client = await connected();
    const slow = await client.subscribe('a', () => new Promise(() => {}), {
      queueLimit: 3,
      overflow: 'wait',
    });
    const other = await client.subscribe('a', () => {});
    await client.publish('a', 0);
    await new Promise(setImmediate);
    const published = Array.from({ length: 10 }, (_, n) => client.publish('a', n));
    const outcomes = Promise.allSettled(published);
    assert.deepEqual(slow.stats, { delivered: 0, dropped: 4, failed: 0, queued: 7 });
    await slow.unsubscribe();
    assert.deepEqual(
      (await outcomes).map(({ status }) => status === 'fulfilled'),
      [...Array<boolean>(6).fill(true), ...Array<boolean>(4).fill(false)],
    );
    await assert.rejects(published[9] ?? Promise.resolve(), { code: 'AICO_BUS_FULL', outcome: 'refused' });
    assert.deepEqual(slow.stats, { delivered: 0, dropped: 10, failed: 0, queued: 1 });
    await client.drain();
    assert.equal(other.stats.delivered, 11);
  });

  test('publishers on other topics do not wait', async () => {
    const client = await connected();
    await client.subscribe('slow', () => new Promise(() => {}), { queueLimit: 1, overflow: 'wait' });
    for (let n = 0; n < 2; n += 1) await client.publish('slow', n);
    const held = client.publish('slow', 2);
    const got = Promise.withResolvers<void>();
    await client.subscribe('other', () => got.resolve());
    await client.publish('other', 1);
    await got.promise;
    assert.equal(await isSettled(held), false);
    await client.close();
    await held;
  });

  test('an option out of range is refused by its name', async () => {
    const client = await connected();
    for (const waitMs of [-1, Number.NaN, 2 ** 31])
      await assert.rejects(
        client.subscribe('a', () => {}, { waitMs }),
        { code: 'AICO_BUS_OPTION', option: 'waitMs' },
      );
    await client.close();
  });
});

test('delivered, dropped, failed and queued add up to the published messages, at every moment, for every policy', async () => {
  const act = fc.constantFrom('sync', 'async', 'throw', 'reject', 'hang');
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ publish: act, topic: fc.constantFrom('a.x', 'a.y', 'b'), wait: fc.boolean() }),
    },
    { weight: 1, arbitrary: fc.constant('turn' as const) },
    { weight: 1, arbitrary: fc.constant('look' as const) },
    { weight: 1, arbitrary: fc.constant('release' as const) },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.array(
        fc.record({
          pattern: fc.constantFrom('a.*', 'a.x', '>', 'b'),
          queueLimit: fc.integer({ min: 1, max: 6 }),
          overflow: fc.constantFrom('drop-oldest' as const, 'drop-newest' as const, 'wait' as const),
        }),
        { minLength: 1, maxLength: 4 },
      ),
      async (steps, kinds) => {
        const client = await connected();
        let held: (() => void)[] = [];
        const handler = (_topic: string, what: unknown): void | Promise<void> => {
          if (what === 'throw') throw new Error('thrown');
          if (what === 'reject') return Promise.reject(new Error('rejected'));
          if (what === 'async') return Promise.resolve();
          if (what === 'hang') return new Promise((resolve) => held.push(resolve));
          return undefined;
        };
        const sent = new Map<Subscription, number>();
        for (const { pattern, ...options } of kinds)
          sent.set(await client.subscribe(pattern, handler, { ...options, waitMs: 60_000 }), 0);
        const release = (): void => {
          for (const resolve of held) resolve();
          held = [];
        };
        const look = (): void => {
          for (const [{ stats }, expected] of sent)
            assert.equal(stats.delivered + stats.dropped + stats.failed + stats.queued, expected);
        };
        for (const action of steps) {
          if (action === 'turn') await new Promise(setImmediate);
          else if (action === 'look') look();
          else if (action === 'release') release();
          else {
            for (const [subscription, count] of sent) {
              const { pattern } = subscription;
              const concerns =
                pattern === '>' || pattern === action.topic || (pattern === 'a.*' && action.topic !== 'b');
              if (concerns) sent.set(subscription, count + 1);
            }
            const published = client.publish(action.topic, action.publish).catch(() => {});
            if (action.wait) await Promise.race([published, new Promise(setImmediate)]);
          }
        }
        look();
        const releasing = setInterval(release, 0);
        await client.drain();
        clearInterval(releasing);
        look();
        for (const { stats } of sent.keys()) assert.equal(stats.queued, 0);
      },
    ),
    { numRuns: 150 },
  );
});

test('of a burst longer than the queue, exactly the newest or the oldest messages are kept', async () => {
  const hub = new InProcessBus();
  const client = new MessageBusClient({ transport: hub, onError: () => {} });
  await client.connect();
  for (const [overflow, first] of [
    ['drop-oldest', 2_990],
    ['drop-newest', 0],
  ] as const) {
    const seen: unknown[] = [];
    const subscription = await client.subscribe('a', (_topic, n) => void seen.push(n), {
      queueLimit: 10,
      overflow,
    });
    for (let n = 0; n < 3_000; n += 1) void client.publish('a', n);
    assert.deepEqual(subscription.stats, { delivered: 0, dropped: 2_990, failed: 0, queued: 10 });
    while (subscription.stats.queued > 0) await new Promise(setImmediate);
    assert.deepEqual(
      seen,
      Array.from({ length: 10 }, (_, n) => first + n),
    );
    await subscription.unsubscribe();
  }
  await client.close();
});
