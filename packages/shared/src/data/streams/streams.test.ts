import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Type } from 'typebox';
import { mortal, setUp } from '../../../test/fixtures/streams.ts';
import { defineTopic, MessageBusClient } from '../../core/bus/index.ts';
import { DurableStreams } from './index.ts';

describe('durable messages', () => {
  test('reach a consumer in order and once each, including those published before it existed', async (t) => {
    const { open } = await setUp(t);
    const { bus } = await open();
    for (const n of [1, 2, 3]) await bus.publish('orders.placed', { n }, { durable: true });
    await bus.publish('other.topic', { n: 0 }, { durable: true });
    const seen: unknown[] = [];
    const consumption = await bus.consume('orders.*', 'mailer', (topic, message, { source, attempt }) => {
      seen.push([topic, message, source, attempt]);
    });
    await consumption.whenIdle();
    await bus.publish('orders.placed', { n: 4 }, { durable: true });
    await consumption.whenIdle();
    assert.deepEqual(
      seen,
      [1, 2, 3, 4].map((n) => ['orders.placed', { n }, 'test', 1]),
    );
    await consumption.stop();
    const again = await bus.consume('orders.*', 'mailer', () => assert.fail('settled already'));
    await again.whenIdle();
  });

  test('published in a transaction are stored and delivered when it commits, and not when it is rolled back', async (t) => {
    const { open, database } = await setUp(t);
    const { bus } = await open();
    const live: unknown[] = [];
    await bus.subscribe('a.b', (_topic, message) => void live.push(message));
    const seen: unknown[] = [];
    const consumption = await bus.consume('a.b', 'c', (_topic, message) => void seen.push(message));
    await assert.rejects(
      database.transaction(async (tx) => {
        await bus.publish('a.b', 'lost', { tx });
        throw new Error('rolled back');
      }),
      /rolled back/,
    );
    await database.transaction(async (tx) => {
      await bus.publish('a.b', 'kept', { tx });
      assert.deepEqual([live, seen], [[], []]);
    });
    await consumption.whenIdle();
    assert.deepEqual([live, seen], [['kept'], ['kept']]);
  });

  test('an effect in the transaction of the acknowledgement happens once, even if the handler fails afterwards', async (t) => {
    const { open, database, effects, clock } = await setUp(t);
    const { bus } = await open();
    await bus.publish('a.b', 'x', { durable: true });
    let calls = 0;
    const consumption = await bus.consume('a.b', 'c', async (_topic, message, { ack }) => {
      calls += 1;
      await database.transaction(async (tx) => {
        await tx.execute('INSERT INTO effect VALUES (?)', [`${message} ${calls}`]);
        await ack(tx);
        if (calls === 1) throw new Error('before the commit');
      });
      throw new Error('after the commit');
    });
    await consumption.whenIdle();
    clock.now += 60_000;
    await consumption.whenIdle();
    assert.deepEqual([await effects(), calls], [['x 2'], 2]);
    clock.now += 600_000;
    await consumption.whenIdle();
    assert.equal(calls, 2);
  });

  test('that fail are retried with growing delays and become dead letters, which can be replayed', async (t) => {
    const { open, clock } = await setUp(t);
    const { bus, streams } = await open();
    await bus.publish('a.b', 'poison', { durable: true });
    await bus.publish('a.b', 'fine', { durable: true });
    const seen: string[] = [];
    let isPoison = true;
    const consumption = await bus.consume(
      'a.b',
      'c',
      (_topic, message, { attempt }) => {
        seen.push(`${message} ${attempt}`);
        if (message === 'poison' && isPoison) throw new Error('cannot');
      },
      { maxAttempts: 3, retryDelayMs: 1_000 },
    );
    await consumption.whenIdle();
    assert.deepEqual(seen, ['poison 1', 'fine 1']);
    clock.now += 999;
    await consumption.whenIdle();
    assert.equal(seen.length, 2);
    clock.now += 1;
    await consumption.whenIdle();
    clock.now += 2_000;
    await consumption.whenIdle();
    assert.deepEqual(seen.slice(2), ['poison 2', 'poison 3']);
    const [dead] = await streams.deadLetters('c', 10);
    assert.deepEqual([dead?.number, dead?.attempts, dead?.error, dead?.topic], [1, 3, 'cannot', 'a.b']);
    isPoison = false;
    assert.equal(await streams.replayDead('c'), 1);
    await consumption.whenIdle();
    assert.deepEqual(seen.at(-1), 'poison 1');
    assert.deepEqual(await streams.deadLetters(undefined, 10), []);
    const unknown = { code: 'AICO_STREAM_CONSUMER_STATE', statusCode: 404 };
    const noSuch = { code: 'AICO_STREAM_DEAD_LETTER_UNKNOWN', statusCode: 404 };
    await assert.rejects(streams.deadLetters('stranger', 10), unknown);
    for (const change of ['replayDead', 'dropDead'] as const) {
      await assert.rejects(streams[change]('stranger'), unknown);
      await assert.rejects(streams[change]('stranger', 1), unknown);
      await assert.rejects(streams[change]('c', 999), noSuch);
      assert.equal(await streams[change]('c'), 0);
    }
  });

  test('in flight when the process died are retried and count as attempts; a clock that jumped delays nothing', async (t) => {
    const { open, clock, database } = await setUp(t);
    const first = await open();
    await first.bus.publish('a.b', 'x', { durable: true });
    const reached = Promise.withResolvers<void>();
    const life = mortal(database);
    const dying = new DurableStreams({ database: life.database, now: () => clock.now });
    await dying.consume('a.b', 'c', async () => reached.resolve(life.die()), {});
    await reached.promise;
    clock.now -= 30 * 86_400_000;
    const streams = new DurableStreams({ database, now: () => clock.now, random: () => 0 });
    const seen: number[] = [];
    const consumption = await streams.consume(
      'a.b',
      'c',
      async (_message, { attempt }) => {
        seen.push(attempt);
        if (attempt === 2) throw new Error('once more');
      },
      {},
    );
    await consumption.whenIdle();
    clock.now += 60 * 86_400_000;
    await consumption.whenIdle();
    assert.deepEqual(seen, [2, 3]);
    await consumption.stop();
  });

  test('with the same id are one message; a typed topic is checked on both sides', async (t) => {
    const { open } = await setUp(t);
    const { bus, streams } = await open();
    const placed = defineTopic('orders.placed', Type.Object({ n: Type.Number() }));
    await bus.publish(placed, { n: 1 }, { durable: true, id: 'order-1' });
    await bus.publish(placed, { n: 1 }, { durable: true, id: 'order-1' });
    await assert.rejects(bus.publish(placed, Object({ n: 'one' }), { durable: true }), {
      code: 'AICO_BUS_PAYLOAD',
    });
    assert.equal((await streams.figures()).messages, 1);
    await assert.rejects(new MessageBusClient().publish('a', 1, { durable: true }), {
      code: 'AICO_BUS_NOT_CONNECTED',
    });
  });

  test('are kept until every consumer has settled them, then up to the limits of age and size', async (t) => {
    const { open, clock } = await setUp(t, { maxAgeMs: 1_000, maxBytes: 20 });
    const { bus, streams } = await open();
    const fast = await bus.consume('a.*', 'fast', () => {});
    const slow = await bus.consume('a.*', 'slow', () => {});
    await slow.stop();
    for (let n = 0; n < 10; n += 1) await bus.publish('a.b', 'x'.repeat(8), { durable: true });
    await fast.whenIdle();
    clock.now += 2_000;
    assert.equal(await streams.prune(), 0);
    await streams.forget('slow');
    await bus.publish('a.b', 'new', { durable: true });
    await fast.whenIdle();
    assert.equal(await streams.prune(), 10);
    assert.equal((await streams.figures()).messages, 1);
    for (let n = 0; n < 10; n += 1) await bus.publish('a.b', 'x'.repeat(8), { durable: true });
    await fast.whenIdle();
    assert.equal(await streams.prune(), 9);
    await fast.stop();
    await assert.rejects(streams.rewind('stranger', 0), { code: 'AICO_STREAM_CONSUMER_STATE' });
  });

  test('a consumer name runs once; a rewound consumer starts again after the given number', async (t) => {
    const { open } = await setUp(t);
    const { bus, streams } = await open();
    for (const n of [1, 2, 3]) await bus.publish('a.b', n, { durable: true });
    const seen: unknown[] = [];
    const start = () => bus.consume('a.b', 'c', (_topic, n) => void seen.push(n));
    const one = await start();
    await assert.rejects(start(), { code: 'AICO_STREAM_CONSUMER_TAKEN' });
    await one.whenIdle();
    await assert.rejects(streams.rewind('c', 1), { code: 'AICO_STREAM_CONSUMER_STATE' });
    await one.stop();
    await streams.rewind('c', 1);
    await (await start()).whenIdle();
    assert.deepEqual(seen, [1, 2, 3, 2, 3]);
  });
});

test('each message has its effect exactly once, under failures, crashes and rollbacks', async (t) => {
  const { database, open, clock } = await setUp(t);
  const { bus } = await open();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('ok', 'throw-before', 'throw-after', 'crash'), {
        minLength: 1,
        maxLength: 12,
      }),
      fc.integer({ min: 1, max: 4 }),
      async (fates, maxInFlight) => {
        run += 1;
        const topic = `model.run${run}`;
        await database.execute('DELETE FROM effect');
        for (const index of fates.keys()) await bus.publish(topic, index, { durable: true });
        const left = new Map(fates.entries());
        // Simulated runs of the process: a crash abandons the consumer, and a new one takes over.
        for (let life = 0; life <= fates.length; life += 1) {
          const process = mortal(database);
          const streams = new DurableStreams({
            database: process.database,
            now: () => clock.now,
            random: () => 0,
          });
          const crashed = Promise.withResolvers<'crashed'>();
          const consumption = await streams.consume(
            topic,
            `c${run}`,
            async ({ body }, { ack }) => {
              const index = Number(body);
              const fate = left.get(index);
              left.set(index, 'ok');
              if (fate === 'crash') {
                process.die();
                crashed.resolve('crashed');
              }
              await process.database.transaction(async (tx) => {
                await tx.execute('INSERT INTO effect VALUES (?)', [String(index)]);
                await ack(tx);
                if (fate === 'throw-before') throw new Error('before');
              });
              if (fate === 'throw-after') throw new Error('after');
            },
            { maxInFlight, maxAttempts: 100, retryDelayMs: 1 },
          );
          const settle = async (): Promise<'done'> => {
            for (let round = 0; round < fates.length + 1; round += 1) {
              await consumption.whenIdle();
              clock.now += 1_000_000;
            }
            return 'done';
          };
          if ((await Promise.race([settle(), crashed.promise])) === 'done') {
            await consumption.stop();
            break;
          }
        }
        const { rows } = await database.execute<{ text: string }>('SELECT text FROM effect');
        const seen = rows.map(({ text }) => Number(text)).sort((a, b) => a - b);
        assert.deepEqual(
          seen,
          fates.map((_, index) => index),
        );
      },
    ),
    { numRuns: 15 },
  );
});
