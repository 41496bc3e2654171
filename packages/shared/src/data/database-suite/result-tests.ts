import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResultTooLargeError } from '../statements/errors.ts';
import { createTables, type WithDatabase } from './store-under-test.ts';

/** The tests of results in the acceptance suite. */
export function resultTests(withDatabase: WithDatabase): void {
  test('a result has its columns in order, even if two have the same name or there are no rows', () =>
    withDatabase(async (db) => {
      await createTables(db, 'CREATE TABLE kept (id INTEGER PRIMARY KEY, v TEXT)');
      for (const run of [
        db.execute.bind(db),
        <R>(sql: string) => db.transaction((tx) => tx.execute<R>(sql)),
      ]) {
        const twice = await run('SELECT 1 AS a, 2 AS a, 3 AS "1"');
        assert.deepEqual(twice.columns, ['a', 'a', '1']);
        assert.deepEqual(twice.tuples, [[1, 2, 3]]);
        assert.deepEqual(twice.rows, [{ a: 2, 1: 3 }]);
        const none = await run('SELECT v AS b, id AS a FROM kept WHERE id = 77');
        assert.deepEqual([none.columns, none.rows, none.tuples], [['b', 'a'], [], []]);
        assert.deepEqual((await run('SELECT v AS b, id AS a FROM kept WHERE id = 77')).columns, ['b', 'a']);
        assert.deepEqual((await run('DELETE FROM kept WHERE id = 77 RETURNING v, id')).columns, ['v', 'id']);
        assert.deepEqual((await run('DELETE FROM kept WHERE id = 77')).columns, []);
        assert.deepEqual((await run('SELECT 1 AS "__proto__"')).tuples, [[1]]);
      }
    }));

  test('a result has the number of changed rows, and the rows of RETURNING', () =>
    withDatabase(async (db) => {
      await createTables(
        db,
        'CREATE TABLE word (id INTEGER PRIMARY KEY, word TEXT UNIQUE, n INTEGER DEFAULT 1)',
      );
      const changes = async (sql: string): Promise<number> => (await db.execute(sql)).changes;
      assert.equal(await changes("INSERT INTO word (word) VALUES ('a'), ('b')"), 2);
      assert.equal(await changes("UPDATE word SET n = 2 WHERE word = 'a'"), 1);
      assert.equal(await changes("INSERT OR IGNORE INTO word (word) VALUES ('a')"), 0);
      const skipped = await db.execute("INSERT OR IGNORE INTO word (word) VALUES ('a') RETURNING id;");
      assert.deepEqual([skipped.changes, skipped.rows], [0, []]);
      const upsert = "INSERT INTO word (word) VALUES ('a') ON CONFLICT (word) DO UPDATE SET n = word.n + 1";
      assert.equal(await changes(upsert), 1);
      assert.equal(await changes('DELETE FROM word WHERE n > 2'), 1);
      assert.equal(await changes('SELECT * FROM word'), 0);
      const returning = await db.execute("INSERT INTO word (word) VALUES ('d') RETURNING word, n");
      assert.deepEqual([returning.changes, returning.fetchAll()], [1, [{ word: 'd', n: 1 }]]);
      assert.equal((await db.execute("SELECT 1 FROM word WHERE word = 'zz'")).fetchOne(), undefined);
      assert.deepEqual((await db.execute('SELECT count(*) AS n, sum(n) AS s FROM word')).rows, [
        { n: 2, s: 2 },
      ]);
    }));

  test('a result has the current columns after the schema of a known statement has changed', () =>
    withDatabase(async (db) => {
      await createTables(db, 'CREATE TABLE kept (a INTEGER, b INTEGER)');
      await db.execute('INSERT INTO kept VALUES (1, 2)');
      const read = async () => (await db.execute('SELECT * FROM kept')).rows;
      assert.deepEqual(await read(), [{ a: 1, b: 2 }]);
      await db.execute('ALTER TABLE kept RENAME COLUMN a TO z');
      assert.deepEqual(await read(), [{ z: 1, b: 2 }]);
      await db.execute('ALTER TABLE kept ADD COLUMN c INTEGER DEFAULT 3');
      assert.deepEqual(await read(), [{ z: 1, b: 2, c: 3 }]);
      await db.transaction(async (tx) => {
        assert.deepEqual((await tx.execute('SELECT * FROM kept')).rows, [{ z: 1, b: 2, c: 3 }]);
        await tx.execute('ALTER TABLE kept DROP COLUMN b');
        assert.deepEqual((await tx.execute('SELECT * FROM kept')).rows, [{ z: 1, c: 3 }]);
      });
      assert.deepEqual(await read(), [{ z: 1, c: 3 }]);
    }));

  test('a thousand different statements at once each get their own result', () =>
    withDatabase(async (db) => {
      await createTables(db, 'CREATE TABLE kept (n INTEGER)');
      const numbers = Array.from({ length: 1_000 }, (_, index) => index);
      const results = await Promise.all(
        numbers.map((n) =>
          db.execute<{ n: number }>(
            n % 3 === 0 ? `INSERT INTO kept VALUES (${n}) RETURNING n` : `SELECT ${n} AS n`,
          ),
        ),
      );
      assert.deepEqual(
        results.map(({ rows }) => rows[0]?.n),
        numbers,
      );
    }));

  test('a WITH statement reads or writes according to its content, and the next read sees its write', () =>
    withDatabase(async (db) => {
      await createTables(db, 'CREATE TABLE kept (n INTEGER)');
      const insert = 'WITH new (n) AS (VALUES (CAST(? AS BIGINT))) INSERT INTO kept SELECT n FROM new';
      for (let n = 0; n < 5; n += 1) {
        await db.execute(insert, [n]);
        const { rows } = await db.execute(
          'WITH all_of AS (SELECT n FROM kept) SELECT count(*) AS c FROM all_of',
        );
        assert.deepEqual(rows, [{ c: n + 1 }]);
      }
    }));

  test('rows beyond the limit of memory are refused, and the database works on', () =>
    withDatabase(
      async (db) => {
        await createTables(db, 'CREATE TABLE kept (v TEXT)');
        for (let n = 0; n < 40; n += 1) await db.execute('INSERT INTO kept VALUES (?)', ['x'.repeat(5_000)]);
        await assert.rejects(db.execute('SELECT v FROM kept'), ResultTooLargeError);
        await assert.rejects(
          db.transaction((tx) => tx.execute('SELECT v FROM kept')),
          ResultTooLargeError,
        );
        assert.deepEqual((await db.execute('SELECT count(*) AS n FROM kept')).rows, [{ n: 40 }]);
        let read = 0;
        for await (const _ of db.stream('SELECT v FROM kept')) read += 1;
        assert.equal(read, 40, 'a stream has no such limit');
      },
      { maxResultBytes: 100_000 },
    ));
}
