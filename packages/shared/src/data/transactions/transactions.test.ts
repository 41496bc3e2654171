import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import { testStore } from '../../../test/fixtures/store.ts';
import {
  DatabaseClosedError,
  type EncryptedDatabase,
  NestedTransactionOpenError,
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
  test('commits the changes of the callback and returns its result', async (t) => {
    const db = await tableIn(t);
    const result = await db.transaction(async (tx) => {
      await Promise.all([add(tx, 1), add(tx, 2), add(tx, 3)]);
      assert.equal(await count(tx), 3, 'it sees its own writes');
      assert.equal(await count(db), 0, 'other connections see none yet');
      return 'done';
    });
    assert.equal(result, 'done');
    assert.equal(await count(db), 3);
  });

  test('rolls everything back when the callback rejects, and rejects with the same error', async (t) => {
    const db = await tableIn(t);
    const planned = new Error('as planned');
    await assert.rejects(
      db.transaction(async (tx) => {
        await add(tx, 1);
        throw planned;
      }),
      planned,
    );
    assert.equal(await count(db), 0);
    await add(db, 1);
  });

  test('continues after a failed statement if the callback handles the error', async (t) => {
    const db = await tableIn(t);
    await db.transaction(async (tx) => {
      await add(tx, 1);
      await assert.rejects(add(tx, 1));
      await add(tx, 2);
    });
    assert.equal(await count(db), 2);
  });

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

  test('refuses transaction statements and use after its end', async (t) => {
    const db = await tableIn(t);
    let kept: Transaction | undefined;
    await db.transaction(async (tx) => {
      kept = tx;
      await assert.rejects(tx.execute('COMMIT'), StatementRefusedError);
    });
    assert.ok(kept !== undefined);
    await assert.rejects(add(kept, 1), TransactionEndedError);
    await assert.rejects(
      kept.transaction(async () => undefined),
      TransactionEndedError,
    );
  });
});

describe('a nested transaction', () => {
  test('is rolled back alone when it rejects, at any depth', async (t) => {
    const db = await tableIn(t);
    await db.transaction(async (tx) => {
      await add(tx, 1);
      await assert.rejects(
        tx.transaction(async (inner) => {
          await add(inner, 2);
          await inner.transaction(async (innermost) => {
            await add(innermost, 3);
          });
          throw new Error('as planned');
        }),
      );
      assert.equal(await count(tx), 1);
      await tx.transaction(async (inner) => {
        await add(inner, 4);
        await assert.rejects(
          inner.transaction(async (innermost) => {
            await add(innermost, 5);
            throw new Error('as planned');
          }),
        );
      });
    });
    assert.deepEqual((await db.execute('SELECT n FROM kept ORDER BY n')).rows, [{ n: 1 }, { n: 4 }]);
  });

  test('must be used while it is open, and is refused after its end', async (t) => {
    const db = await tableIn(t);
    await db.transaction(async (tx) => {
      let kept: Transaction | undefined;
      await tx.transaction(async (inner) => {
        kept = inner;
        await assert.rejects(add(tx, 1), NestedTransactionOpenError);
        await assert.rejects(
          tx.transaction(async () => undefined),
          NestedTransactionOpenError,
        );
      });
      assert.ok(kept !== undefined);
      await assert.rejects(add(kept, 1), TransactionEndedError);
      await add(tx, 1);
    });
    assert.equal(await count(db), 1);
  });
});

describe('the explicit form', () => {
  test('commits or rolls back once, and a further rollback() has no effect', async (t) => {
    const db = await tableIn(t);
    const tx = await db.begin();
    await add(tx, 1);
    await tx.commit();
    await assert.rejects(tx.commit(), TransactionEndedError);
    await tx.rollback();
    const other = await db.begin();
    await add(other, 2);
    await other.rollback();
    await other.rollback();
    await assert.rejects(add(other, 3), TransactionEndedError);
    assert.equal(await count(db), 1);
  });

  test('whose commit is refused has stored nothing and releases the writer', async (t) => {
    const db = await tableIn(t);
    await db.execute('CREATE TABLE child (p REFERENCES kept (n) DEFERRABLE INITIALLY DEFERRED)');
    const tx = await db.begin();
    await tx.execute('INSERT INTO child VALUES (99)');
    await assert.rejects(tx.commit());
    await assert.rejects(add(tx, 1), TransactionEndedError);
    await add(db, 1);
    assert.equal((await db.execute('SELECT count(*) AS n FROM child')).fetchOne()?.n, 0);
  });
});

describe('a read-only transaction', () => {
  test('reads from one snapshot and does not block the writer', async (t) => {
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

  test('waits for its turn if many are opened at once', async (t) => {
    const db = await tableIn(t);
    await add(db, 1);
    const results = await Promise.all(
      Array.from({ length: 40 }, () => db.transaction((tx) => count(tx), { readOnly: true })),
    );
    assert.deepEqual(new Set(results), new Set([1]));
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
