import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setUp } from '../../../test/fixtures/streams.ts';

const MESSAGES = 100;

async function counted(t: TestContext) {
  const world = await setUp(t);
  const { bus } = await world.open();
  const commits = async (): Promise<number> => {
    const { rows } = await world.database.execute<{ commits: number }>('SELECT commits FROM _aico_head');
    return rows[0]?.commits ?? 0;
  };
  /** The number of commits during `work`. */
  const during = async (work: () => Promise<unknown>): Promise<number> => {
    const before = await commits();
    await work();
    return (await commits()) - before;
  };
  const publish = async (count: number): Promise<void> => {
    await Promise.all(Array.from({ length: count }, (_, n) => bus.publish('a.b', n, { durable: true })));
  };
  return { ...world, bus, during, publish };
}

test('a backlog is settled in few commits, with handlers of any kind', async (t) => {
  const { bus, during, publish } = await counted(t);
  await publish(MESSAGES);
  for (const maxInFlight of [1, 8]) {
    const seen: unknown[] = [];
    const commits = await during(async () => {
      const consumption = await bus.consume('a.b', `c${maxInFlight}`, (_topic, n) => void seen.push(n), {
        maxInFlight,
      });
      await consumption.whenIdle();
      await consumption.stop();
    });
    assert.equal(seen.length, MESSAGES);
    t.diagnostic(`${commits} commits for ${MESSAGES} messages, ${maxInFlight} in flight`);
    // The number of messages settled together depends on the event loop; settled alone, each takes more than one commit.
    assert.ok(commits < MESSAGES, `${commits} commits`);
  }
});

test('messages that arrive one by one take two commits each: one before delivery and one to settle', async (t) => {
  const { bus, during, publish } = await counted(t);
  const consumption = await bus.consume('a.b', 'c', () => undefined);
  const commits = await during(async () => {
    for (let n = 0; n < 20; n += 1) {
      await publish(1);
      await consumption.whenIdle();
    }
  });
  t.diagnostic(`${commits} commits for 20 messages that were published one by one`);
  assert.ok(commits <= 20 * 3 + 2, `${commits} commits, the publishes' among them`);
});

test('a handler with its own transactions causes few commits besides them', async (t) => {
  const { bus, database, during, publish } = await counted(t);
  await publish(MESSAGES);
  const commits = await during(async () => {
    const consumption = await bus.consume('a.b', 'c', async (_topic, n, { ack }) => {
      await database.transaction(async (tx) => {
        await tx.execute('INSERT INTO effect VALUES (?)', [String(n)]);
        await ack(tx);
      });
    });
    await consumption.whenIdle();
    await consumption.stop();
  });
  t.diagnostic(`${commits} commits for ${MESSAGES} transactions`);
  assert.ok(commits <= MESSAGES * 1.25, `${commits} commits`);
});

test('looking for retries uses the writer only when one is due', async (t) => {
  const { bus, clock, database, publish } = await counted(t);
  let transactions = 0;
  const transaction = database.transaction.bind(database);
  t.mock.method(database, 'transaction', (...args: Parameters<typeof transaction>) => {
    transactions += 1;
    return transaction(...args);
  });
  let isFailing = false;
  const consumption = await bus.consume('a.b', 'c', () => {
    if (isFailing) throw new Error('not now');
  });
  transactions = 0;
  await publish(MESSAGES);
  await consumption.whenIdle();
  assert.equal(transactions, 0);
  isFailing = true;
  await publish(1);
  await consumption.whenIdle();
  isFailing = false;
  clock.now += 60_000;
  await consumption.whenIdle();
  const each =
    'one stores the failure, one forgets what was settled one by one, one leases the message again';
  assert.equal(transactions, 3, each);
  await publish(MESSAGES);
  await consumption.whenIdle();
  assert.equal(transactions, 3);
});
