import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import { testStore } from '../../../test/fixtures/store.ts';
import {
  DatabaseClosedError,
  type EncryptedDatabase,
  ReadOnlyTransactionError,
  StatementRefusedError,
  type Transaction,
  TransactionEndedError,
  TransactionTimeoutError,
} from '../index.ts';

const count = async (db: Pick<EncryptedDatabase, 'execute'>): Promise<unknown> =>
  (await db.execute('SELECT count(*) AS n FROM kept')).fetchOne()?.n;

async function tableIn(t: Parameters<typeof testStore>[0]): Promise<EncryptedDatabase> {
  const db = await (await testStore(t)).open();
  await db.execute('CREATE TABLE kept (n INTEGER UNIQUE)');
  return db;
}

const add = (tx: Pick<Transaction, 'execute'>, n: number) => tx.execute('INSERT INTO kept VALUES (?)', [n]);

describe('transaction()', () => {
  test('does not commit the rest after a statement has rolled back the transaction', async (t) => {
    const db = await tableIn(t);
    await assert.rejects(
      db.transaction(async (tx) => {
        await add(tx, 1);
        await assert.rejects(tx.execute('INSERT OR ROLLBACK INTO kept VALUES (1)'));
        await add(tx, 2).catch(() => undefined);
      }),
      TransactionEndedError,
    );
    assert.equal(await count(db), 0);
  });

  test('excludes other writes and transactions, and does not block reads', async (t) => {
    const db = await tableIn(t);
    const order: string[] = [];
    const { promise: entered, resolve: enter } = Promise.withResolvers<void>();
    const { promise: goOn, resolve: release } = Promise.withResolvers<void>();
    const first = db.transaction(async (tx) => {
      enter();
      await goOn;
      await add(tx, 1);
      order.push('first');
    });
    await entered;
    const write = add(db, 2).then(() => order.push('write'));
    const second = db.transaction(async (tx) => {
      assert.equal(await count(tx), 2);
      order.push('second');
    });
    assert.equal(await count(db), 0);
    order.push('read');
    release();
    await Promise.all([first, write, second]);
    assert.deepEqual(order, ['read', 'first', 'write', 'second']);
  });
});

describe('a read-only transaction', () => {
  test('has the schema of its snapshot', async (t) => {
    const db = await tableIn(t);
    await add(db, 1);
    await db.transaction(
      async (tx) => {
        await add(db, 2);
        assert.equal(await count(db), 2);
        assert.equal(await count(tx), 1);
        await db.execute('ALTER TABLE kept ADD COLUMN later');
        assert.deepEqual((await tx.execute('SELECT * FROM kept')).rows, [{ n: 1 }]);
        assert.deepEqual((await db.execute('SELECT * FROM kept WHERE n = 1')).rows, [{ n: 1, later: null }]);
        await assert.rejects(add(tx, 3), ReadOnlyTransactionError);
        await assert.rejects(
          tx.execute('WITH x AS (SELECT 9 AS n) INSERT INTO kept (n) SELECT n FROM x'),
          StatementRefusedError,
        );
      },
      { readOnly: true },
    );
    assert.equal(await count(db), 2);
  });
});

describe('a transaction beyond its deadline', () => {
  test('is rolled back with an error that names where it was opened, and the next one continues', async (t) => {
    const db = await tableIn(t);
    t.after(() => mock.timers.reset());
    const forgotten = await db.begin({ timeoutMs: 60_000 });
    await forgotten.rollback();
    mock.timers.enable({ apis: ['setTimeout'] });
    const tx = await db.begin({ timeoutMs: 60_000 });
    await add(tx, 1);
    const next = add(db, 2);
    mock.timers.tick(60_001);
    await next;
    await assert.rejects(add(tx, 3), (error) => {
      assert.ok(error instanceof TransactionTimeoutError);
      assert.match(error.openedAt, /transactions\.test\.ts:\d+/);
      return true;
    });
    await tx.rollback();
    assert.deepEqual((await db.execute('SELECT n FROM kept')).rows, [{ n: 2 }]);
  });

  test('that waits for itself names the call that must use the transaction', async (t) => {
    const db = await tableIn(t);
    t.after(() => mock.timers.reset());
    mock.timers.enable({ apis: ['setTimeout'] });
    let inner: Promise<unknown> | undefined;
    const { promise: entered, resolve: enter } = Promise.withResolvers<void>();
    const stuck = db.transaction(async () => {
      inner = add(db, 1);
      enter();
      await inner;
    });
    await entered;
    mock.timers.tick(30_001);
    await assert.rejects(stuck, (error) => {
      assert.ok(error instanceof TransactionTimeoutError);
      assert.match(error.message, /"INSERT INTO kept VALUES \(\?\)" was called on the database itself/);
      assert.match(error.hint ?? '', /tx\.execute/);
      return true;
    });
    await inner;
    assert.equal(await count(db), 1);
  });

  test('is ended by close() as well', async (t) => {
    const db = await tableIn(t);
    t.after(() => mock.timers.reset());
    mock.timers.enable({ apis: ['setTimeout'] });
    const tx = await db.begin();
    await add(tx, 1);
    const closed = db.close();
    mock.timers.tick(5_001);
    await closed;
    await assert.rejects(add(tx, 2), DatabaseClosedError);
  });
});
