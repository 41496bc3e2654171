import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatementOverdueError, StreamIdleError } from '../reads/errors.ts';
import { StatementFailedError, StatementRefusedError } from '../statements/errors.ts';
import { createTables, type WithDatabase } from './store-under-test.ts';

const NUMBERS = (count: number): string =>
  `INSERT INTO kept (v) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) SELECT i FROM n`;
/** A read that takes some seconds. One without an end would keep the process alive, if the engine cannot interrupt it. */
const LONG =
  'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8000000) SELECT count(*) AS c FROM n';
/** More than any engine has connections or threads. */
const MANY = 40;

/** The tests of streams and deadlines in the acceptance suite. */
export function streamTests(withDatabase: WithDatabase): void {
  test('a stream yields each row of one snapshot once, and leaving early releases its connection', () =>
    withDatabase(async (db) => {
      await createTables(db, 'CREATE TABLE kept (id INTEGER PRIMARY KEY, v INTEGER)');
      await db.execute(NUMBERS(5_000));
      let sum = 0;
      for await (const { v } of db.stream<{ v: number }>('SELECT v FROM kept WHERE v <= ?', [4_000])) {
        sum += v;
        // Rows written meanwhile are not in the snapshot.
        if (v % 1_000 === 0) await db.execute('INSERT INTO kept (v) VALUES (1)');
      }
      assert.equal(sum, (4_000 * 4_001) / 2);
      for (let round = 0; round < MANY; round += 1)
        for await (const row of db.stream('SELECT v FROM kept')) {
          assert.ok(row.v !== undefined);
          break;
        }
      const refused = (sql: string) => db.stream(sql)[Symbol.asyncIterator]().next();
      await assert.rejects(refused('DELETE FROM kept'), StatementRefusedError);
      await assert.rejects(
        refused('WITH x AS (SELECT 1 AS n) INSERT INTO kept (v) SELECT n FROM x'),
        StatementRefusedError,
      );
      await assert.rejects(refused('SELECT * FROM nowhere'), StatementFailedError);
      assert.equal((await db.execute('SELECT count(*) AS n FROM kept')).fetchOne()?.n, 5_004);
    }));

  test('a stream from which nothing is read is closed, and its error names its owner', () =>
    withDatabase(async (db) => {
      await createTables(db, 'CREATE TABLE kept (id INTEGER PRIMARY KEY, v INTEGER)');
      await db.execute(NUMBERS(2_000));
      const view = db.ownedBy('test');
      const forgotten = Array.from({ length: MANY / 5 }, () =>
        view.stream('SELECT v FROM kept', [], { idleMs: 100 })[Symbol.asyncIterator](),
      );
      for (const rows of forgotten) assert.equal((await rows.next()).done, false);
      const others = Array.from({ length: MANY }, () =>
        db.transaction((tx) => tx.execute('SELECT 1 AS one'), { readOnly: true }),
      );
      assert.equal((await Promise.all(others)).length, MANY);
      for (const rows of forgotten) {
        const failure = await untilItFails(() => rows.next());
        assert.ok(failure instanceof StreamIdleError, String(failure));
        assert.equal(failure.owner, 'test');
      }
    }));

  test('a read beyond its deadline fails, and others continue', () =>
    withDatabase(
      async (db) => {
        const long = db.execute(LONG);
        assert.deepEqual((await db.execute('SELECT 1 AS one')).rows, [{ one: 1 }]);
        await assert.rejects(long, StatementOverdueError);
        assert.deepEqual((await db.execute('SELECT 2 AS two')).rows, [{ two: 2 }]);
      },
      { statementLimitMs: 200 },
    ));
}

/** Calls `work` once in a while, less often than its stream becomes idle, until it fails. */
async function untilItFails(work: () => Promise<{ done?: boolean }>): Promise<unknown> {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    try {
      if ((await work()).done === true) return undefined;
    } catch (error) {
      return error;
    }
  }
}
