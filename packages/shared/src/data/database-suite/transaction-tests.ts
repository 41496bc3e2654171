import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StatementRefusedError } from '../statements/errors.ts';
import {
  NestedTransactionOpenError,
  ReadOnlyTransactionError,
  TransactionEndedError,
  TransactionTimeoutError,
} from '../transactions/errors.ts';
import type { OwnableDatabase, Queryable, Transaction } from '../types.ts';
import { createTables, type WithDatabase } from './store-under-test.ts';

const count = async (db: Queryable): Promise<unknown> =>
  (await db.execute('SELECT count(*) AS n FROM kept')).fetchOne()?.n;

const add = (tx: Queryable, n: number) => tx.execute('INSERT INTO kept VALUES (?)', [n]);

/** The tests of transactions in the acceptance suite. */
export function transactionTests(withDatabase: WithDatabase): void {
  const withKept = (work: (db: OwnableDatabase) => Promise<void>): Promise<void> =>
    withDatabase(async (db) => {
      await createTables(db, 'CREATE TABLE kept (n INTEGER UNIQUE)');
      await work(db);
    });

  describe('transaction()', () => {
    test('commits the changes of the callback and returns its result', () =>
      withKept(async (db) => {
        const result = await db.transaction(async (tx) => {
          await Promise.all([add(tx, 1), add(tx, 2), add(tx, 3)]);
          assert.equal(await count(tx), 3, 'it sees its own writes');
          assert.equal(await count(db), 0, 'other connections see none yet');
          return 'done';
        });
        assert.equal(result, 'done');
        assert.equal(await count(db), 3);
      }));

    test('rolls everything back when the callback rejects, and rejects with the same error', () =>
      withKept(async (db) => {
        const planned = new Error('as planned');
        const failing = db.transaction(async (tx) => {
          await add(tx, 1);
          throw planned;
        });
        await assert.rejects(failing, planned);
        assert.equal(await count(db), 0);
        await add(db, 1);
      }));

    test('continues after a failed statement if the callback handles the error', () =>
      withKept(async (db) => {
        await db.transaction(async (tx) => {
          const [first, second, third] = await Promise.allSettled([add(tx, 1), add(tx, 1), add(tx, 2)]);
          assert.deepEqual(
            [first, second, third].map(({ status }) => status),
            ['fulfilled', 'rejected', 'fulfilled'],
          );
          await assert.rejects(tx.execute('SELECT nothing FROM nowhere'));
        });
        assert.equal(await count(db), 2);
      }));

    test('loses no update of transactions that run at once', () =>
      withDatabase(async (db) => {
        await createTables(db, 'CREATE TABLE counter (n INTEGER); INSERT INTO counter VALUES (0)');
        const increment = async (tx: Transaction): Promise<void> => {
          const found = (await tx.execute<{ n: number }>('SELECT n FROM counter')).fetchOne();
          await tx.execute('UPDATE counter SET n = ?', [(found?.n ?? 0) + 1]);
        };
        await Promise.all(Array.from({ length: 12 }, () => db.transaction(increment)));
        assert.deepEqual((await db.execute('SELECT n FROM counter')).rows, [{ n: 12 }]);
      }));

    test('has the result of some order of the transactions that run at once', () =>
      withDatabase(async (db) => {
        await createTables(
          db,
          'CREATE TABLE account (name TEXT PRIMARY KEY, n INTEGER); ' +
            "INSERT INTO account VALUES ('a', 1), ('b', 1)",
        );
        // Each is allowed only if the other has not happened yet: at most one may succeed.
        const withdraw = (name: string) =>
          db.transaction(async (tx) => {
            const total = (await tx.execute<{ s: number }>('SELECT sum(n) AS s FROM account')).fetchOne();
            if ((total?.s ?? 0) < 2) return false;
            await tx.execute('UPDATE account SET n = n - 2 WHERE name = ?', [name]);
            return true;
          });
        assert.equal((await Promise.all([withdraw('a'), withdraw('b')])).filter(Boolean).length, 1);
      }));

    test('refuses transaction statements and use after its end', () =>
      withKept(async (db) => {
        let kept: Transaction | undefined;
        await db.transaction(async (tx) => {
          kept = tx;
          assert.equal(tx.dialect, db.dialect);
          await assert.rejects(tx.execute('COMMIT'), StatementRefusedError);
        });
        assert.ok(kept !== undefined);
        await assert.rejects(add(kept, 1), TransactionEndedError);
        await assert.rejects(
          kept.transaction(async () => undefined),
          TransactionEndedError,
        );
      }));
  });

  describe('a nested transaction', () => {
    test('is rolled back alone when it rejects, at any depth', () =>
      withKept(async (db) => {
        await db.transaction(async (tx) => {
          await add(tx, 1);
          const failing = tx.transaction(async (inner) => {
            await add(inner, 2);
            await inner.transaction(async (innermost) => {
              await add(innermost, 3);
            });
            throw new Error('as planned');
          });
          await assert.rejects(failing, /as planned/);
          assert.equal(await count(tx), 1);
          await tx.transaction(async (inner) => {
            await add(inner, 4);
            const innermost = inner.transaction(async (deep) => {
              await add(deep, 5);
              throw new Error('as planned');
            });
            await assert.rejects(innermost, /as planned/);
          });
        });
        assert.deepEqual((await db.execute('SELECT n FROM kept ORDER BY n')).rows, [{ n: 1 }, { n: 4 }]);
      }));

    test('must be used while it is open, and is refused after its end', () =>
      withKept(async (db) => {
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
      }));
  });

  describe('begin()', () => {
    test('commits or rolls back once, and a further rollback() has no effect', () =>
      withKept(async (db) => {
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
      }));

    test('whose commit is refused has stored nothing and gives its connection back', () =>
      withDatabase(async (db) => {
        await createTables(
          db,
          'CREATE TABLE kept (n INTEGER UNIQUE); ' +
            'CREATE TABLE child (p INTEGER REFERENCES kept (n) DEFERRABLE INITIALLY DEFERRED)',
        );
        const tx = await db.begin();
        await tx.execute('INSERT INTO child VALUES (99)');
        await assert.rejects(tx.commit(), { code: 'AICO_DATA_CONSTRAINT' });
        await assert.rejects(add(tx, 1), TransactionEndedError);
        await add(db, 1);
        assert.equal((await db.execute('SELECT count(*) AS n FROM child')).fetchOne()?.n, 0);
      }));
  });

  describe('a read-only transaction', () => {
    test('reads from one snapshot and does not block the writer', () =>
      withKept(async (db) => {
        await add(db, 1);
        await db.transaction(
          async (tx) => {
            assert.equal(await count(tx), 1);
            await add(db, 2);
            assert.equal(await count(db), 2);
            assert.equal(await count(tx), 1);
            await assert.rejects(add(tx, 3), ReadOnlyTransactionError);
            await assert.rejects(
              tx.execute('WITH x AS (SELECT 9 AS n) INSERT INTO kept (n) SELECT n FROM x'),
              (error) => error instanceof ReadOnlyTransactionError || error instanceof StatementRefusedError,
            );
            assert.equal(await count(tx), 1);
          },
          { readOnly: true },
        );
        assert.equal(await count(db), 2);
      }));

    test('waits for its turn if many are opened at once', () =>
      withKept(async (db) => {
        await add(db, 1);
        const results = await Promise.all(
          Array.from({ length: 40 }, () => db.transaction((tx) => count(tx), { readOnly: true })),
        );
        assert.deepEqual(new Set(results), new Set([1]));
      }));
  });

  test('a transaction beyond its deadline is rolled back, and others continue', () =>
    withKept(async (db) => {
      const entered = Promise.withResolvers<Transaction>();
      const stuck = db.transaction(
        async (tx) => {
          await add(tx, 1);
          entered.resolve(tx);
          await new Promise(() => undefined);
        },
        { timeoutMs: 100 },
      );
      const tx = await entered.promise;
      await assert.rejects(stuck, (error) => {
        assert.ok(error instanceof TransactionTimeoutError, String(error));
        assert.equal(error.timeoutMs, 100);
        return true;
      });
      await assert.rejects(add(tx, 2), TransactionTimeoutError);
      await add(db, 1);
      assert.equal(await count(db), 1);
      assert.deepEqual(db.transactions, []);
    }));
}
