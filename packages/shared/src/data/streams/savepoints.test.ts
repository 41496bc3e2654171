import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setUp } from '../../../test/fixtures/streams.ts';

const planned = new Error('as planned');
const passing = (error: unknown): void => assert.equal(error, planned);

describe('in a savepoint that is rolled back', () => {
  test('an acknowledgement does not count: the message is delivered again until an acknowledgement commits', async (t) => {
    const { open, database, effects, clock } = await setUp(t);
    const { bus, streams } = await open();
    await bus.publish('a.b', 'x', { durable: true });
    let calls = 0;
    const consumption = await bus.consume('a.b', 'c', async (_topic, message, { ack }) => {
      calls += 1;
      await database.transaction(async (tx) => {
        await tx
          .transaction(async (nested) => {
            await nested.execute('INSERT INTO effect VALUES (?)', [`${message} ${calls}`]);
            await ack(nested);
            if (calls <= 2) throw planned;
          })
          .catch(passing);
      });
    });
    for (let round = 0; round < 4; round += 1) {
      await consumption.whenIdle();
      clock.now += 600_000;
    }
    assert.deepEqual([await effects(), calls], [['x 3'], 3]);
    const { consumers } = await streams.figures();
    assert.deepEqual([consumers[0]?.retrying, consumers[0]?.dead], [0, 0]);
  });

  test('an acknowledgement that never commits makes the message a dead letter', async (t) => {
    const { open, database, clock } = await setUp(t);
    const { bus, streams } = await open();
    await bus.publish('a.b', 'x', { durable: true });
    const consumption = await bus.consume(
      'a.b',
      'c',
      async (_topic, _message, { ack }) => {
        await database
          .transaction(async (tx) => {
            await ack(tx);
            throw planned;
          })
          .catch(passing);
      },
      { maxAttempts: 2 },
    );
    for (let round = 0; round < 3; round += 1) {
      await consumption.whenIdle();
      clock.now += 600_000;
    }
    const [dead] = await streams.deadLetters('c', 10);
    assert.match(dead?.error ?? '', /did not commit/);
  });

  test('a message is neither stored nor delivered, and one outside it is both', async (t) => {
    const { open, database } = await setUp(t);
    const { bus, streams } = await open();
    const heard: unknown[] = [];
    await bus.subscribe('a.b', (_topic, message) => void heard.push(message));
    await database.transaction(async (tx) => {
      await bus.publish('a.b', 'before', { tx });
      await tx
        .transaction(async (nested) => {
          await nested.transaction(async (innermost) => bus.publish('a.b', 'innermost', { tx: innermost }));
          await bus.publish('a.b', 'nested', { tx: nested });
          throw planned;
        })
        .catch(passing);
      await tx.transaction(async (nested) => bus.publish('a.b', 'released', { tx: nested }));
    });
    const consumed: unknown[] = [];
    const consumption = await bus.consume('a.b', 'c', (_topic, message) => void consumed.push(message));
    await consumption.whenIdle();
    assert.deepEqual(
      [heard, consumed],
      [
        ['before', 'released'],
        ['before', 'released'],
      ],
    );
    assert.equal((await streams.figures()).messages, 2);
  });
});

test('the transaction of a handler that resolves before the commit still acknowledges the message', async (t) => {
  const { open, database, clock, effects } = await setUp(t);
  const { bus } = await open();
  await bus.publish('a.b', 'x', { durable: true });
  let calls = 0;
  const commits: Promise<void>[] = [];
  const consumption = await bus.consume('a.b', 'c', async (_topic, message, { ack }) => {
    calls += 1;
    // The second delivery is a retry, which has its own state.
    if (calls === 1) throw planned;
    const tx = await database.begin();
    await tx.execute('INSERT INTO effect VALUES (?)', [`${message} ${calls}`]);
    await ack(tx);
    commits.push(tx.commit());
  });
  for (let round = 0; round < 4; round += 1) {
    await consumption.whenIdle();
    clock.now += 600_000;
  }
  await Promise.all(commits);
  assert.deepEqual([await effects(), calls], [['x 2'], 2]);
});
