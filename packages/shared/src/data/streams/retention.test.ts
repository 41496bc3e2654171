import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { setUp } from '../../../test/fixtures/streams.ts';

const DAY_MS = 86_400_000;

describe('the retention of durable messages', () => {
  test('keeps messages for a consumer only if its pattern matches', async (t) => {
    const { open, clock } = await setUp(t, { maxAgeMs: 1_000 });
    const { bus, streams } = await open();
    await (await bus.consume('orders.*', 'gone', () => {})).stop();
    await bus.publish('orders.placed', 1, { durable: true });
    for (let n = 0; n < 5; n += 1) await bus.publish('lines.written', n, { durable: true });
    clock.now += 2_000;
    assert.equal(await streams.prune(), 5);
    assert.deepEqual((await streams.figures()).topics, [{ topic: 'orders.placed', messages: 1 }]);
  });

  test('keeps messages for an absent consumer up to a limit, and a returning consumer continues', async (t) => {
    const { open, clock } = await setUp(t, { maxAgeMs: 1_000 });
    const { bus, streams } = await open();
    const seen: unknown[] = [];
    const consume = () => bus.consume('a.b', 'gone', (_topic, message) => void seen.push(message));
    await (await consume()).stop();
    await bus.publish('a.b', 'lost', { durable: true });
    clock.now += 29 * DAY_MS;
    assert.equal(await streams.prune(), 0);
    const consumerOf = async () => (await streams.figures()).consumers[0];
    assert.deepEqual([(await consumerOf())?.running, (await consumerOf())?.holds], [false, true]);
    clock.now += 2 * DAY_MS;
    assert.equal((await consumerOf())?.holds, false);
    assert.equal(await streams.prune(), 1);
    await bus.publish('a.b', 'kept', { durable: true });
    const again = await consume();
    await again.whenIdle();
    assert.deepEqual(seen, ['kept']);
    assert.deepEqual([(await consumerOf())?.running, (await consumerOf())?.holds], [true, true]);
    clock.now += 40 * DAY_MS;
    await again.stop();
    await bus.publish('a.b', 'later', { durable: true });
    assert.equal(await streams.prune(), 1, 'only the settled one: it was seen when it was last looked at');
  });

  test('stays within maxBytes although a consumer is absent or dead letters exist for a day', async (t) => {
    const { open, clock } = await setUp(t, { maxBytes: 100 });
    const { bus, streams } = await open();
    await (await bus.consume('a.b', 'gone', () => {})).stop();
    const refuse = (): never => {
      throw new Error('cannot');
    };
    const dead = await bus.consume('a.b', 'refusing', refuse, { maxAttempts: 1, maxInFlight: 8 });
    for (let n = 0; n < 30; n += 1) await bus.publish('a.b', 'x'.repeat(8), { durable: true });
    await dead.whenIdle();
    assert.equal(await streams.prune(), 0);
    clock.now += DAY_MS + 1;
    assert.ok((await streams.prune()) >= 20);
    const figures = await streams.figures();
    assert.ok(figures.bytes <= 100, `${figures.bytes} bytes`);
    assert.equal(figures.consumers.find(({ consumer }) => consumer === 'refusing')?.dead, figures.messages);
  });

  test('ends when a consumer is deleted or its dead letters are deleted', async (t) => {
    const { open, clock } = await setUp(t, { maxAgeMs: 1_000 });
    const { bus, streams } = await open();
    const refuse = (): never => {
      throw new Error('cannot');
    };
    const running = await bus.consume('a.b', 'c', refuse, { maxAttempts: 1 });
    for (let n = 0; n < 3; n += 1) await bus.publish('a.b', n, { durable: true });
    await running.whenIdle();
    clock.now += 2_000;
    assert.equal(await streams.prune(), 0);
    assert.equal(await streams.dropDead('c', 2), 1);
    assert.equal(await streams.prune(), 1);
    assert.equal(await streams.dropDead('c'), 2);
    assert.equal(await streams.prune(), 2);
    await assert.rejects(streams.forget('c'), { code: 'AICO_STREAM_CONSUMER_STATE', statusCode: 409 });
    await running.stop();
    await streams.forget('c');
    await assert.rejects(streams.forget('c'), { code: 'AICO_STREAM_CONSUMER_STATE', statusCode: 404 });
    assert.deepEqual((await streams.figures()).consumers, []);
  });

  test('never deletes a message that a running consumer has not settled', async (t) => {
    const { open, clock, database } = await setUp(t, { maxAgeMs: 1_000, maxBytes: 50 });
    const topics = ['a.b', 'a.c', 'd'];
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...topics), { maxLength: 12 }),
        fc.constantFrom('a.*', '>', 'a.b', 'd'),
        fc.constantFrom('a.*', '>', 'd'),
        async (published, pattern, other) => {
          run += 1;
          const { bus, streams } = await open();
          for (const table of ['message', 'consumer', 'done', 'retry', 'dead'])
            await database.execute(`DELETE FROM stream_${table}`);
          await (await bus.consume(other, `gone ${run}`, () => {})).stop();
          const seen: unknown[] = [];
          const gate = Promise.withResolvers<void>();
          const running = await bus.consume(pattern, `runs ${run}`, async (_topic, message) => {
            await gate.promise;
            seen.push(message);
          });
          for (const [n, topic] of published.entries()) await bus.publish(topic, n, { durable: true });
          clock.now += 31 * DAY_MS;
          await streams.prune();
          gate.resolve();
          await running.whenIdle();
          const wanted = published.flatMap((topic, n) =>
            pattern === '>' || topic === pattern || (pattern === 'a.*' && topic !== 'd') ? [n] : [],
          );
          assert.deepEqual(seen, wanted);
          await bus.close();
        },
      ),
      { numRuns: 20 },
    );
  });
});
