import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { testStore } from '../../test/fixtures/store.ts';
import {
  DiskFullError,
  type SqlParameters,
  type SqlValue,
  StatementFailedError,
  StatementRefusedError,
} from './index.ts';

describe('values', () => {
  test('are read as they were written, integers of every size exactly', async (t) => {
    const db = await (await testStore(t)).open();
    await db.execute('CREATE TABLE kept (id INTEGER PRIMARY KEY, v)');
    const values = [
      null,
      0,
      -1,
      1.5,
      -1e300,
      Number.POSITIVE_INFINITY,
      Number.MAX_SAFE_INTEGER,
      2n ** 53n,
      2n ** 63n - 1n,
      -(2n ** 63n),
      '',
      -0,
      Number.NEGATIVE_INFINITY,
      Number.MIN_VALUE,
      "it's \u{1f9e0} end",
      new Uint8Array([]),
      new Uint8Array([0, 255, 1]),
    ];
    for (const value of values) {
      const { lastRowId } = await db.execute('INSERT INTO kept (v) VALUES (?)', [value]);
      assert.ok(lastRowId !== undefined);
      const { rows } = await db.execute('SELECT v FROM kept WHERE id = ?', [lastRowId]);
      assert.deepEqual(rows, [{ v: value }]);
    }
    await db.execute('INSERT INTO kept (id, v) VALUES (1000, ?), (1001, ?)', [true, false]);
    const { rows } = await db.execute('SELECT v FROM kept WHERE id >= 1000 ORDER BY id');
    assert.deepEqual(rows, [{ v: 1 }, { v: 0 }]);
  });

  test('that are whole numbers are stored as integers: 5 in a text column is read as 5, not 5.0', async (t) => {
    const db = await (await testStore(t)).open();
    await db.execute('CREATE TABLE kept (t TEXT, i INTEGER, r REAL, n)');
    await db.execute('INSERT INTO kept VALUES (:v, :v, :v, :v)', { v: 5 });
    const { rows } = await db.execute(
      'SELECT t, typeof(i) i, typeof(r) r, typeof(n) n, ? / 2 AS half FROM kept',
      [5],
    );
    assert.deepEqual(rows, [{ t: '5', i: 'integer', r: 'real', n: 'integer', half: 2 }]);
  });
});

test("placeholders may be written in all of SQLite's forms, and brackets are quotes", async (t) => {
  const db = await (await testStore(t)).open();
  const taken: readonly [sql: string, params: SqlParameters, tuple: readonly SqlValue[]][] = [
    ['SELECT :a, @b, $c, :a', { a: 1, b: 2, c: 3 }, [1, 2, 3, 1]],
    [`SELECT '?', ":a", [?], ? -- ?\n FROM (SELECT 1 AS ":a", 2 AS [?])`, [9], ['?', 1, 2, 9]],
  ];
  for (const [sql, params, tuple] of taken)
    assert.deepEqual((await db.execute(sql, params)).tuples, [tuple], sql);
});

describe('a result', () => {
  test('has the number of changes, and the key of the inserted row if there is one', async (t) => {
    const db = await (await testStore(t)).open();
    await db.execute('CREATE TABLE word (id INTEGER PRIMARY KEY, word TEXT UNIQUE, n INTEGER DEFAULT 1)');
    const effect = async (sql: string) => {
      const { changes, lastRowId } = await db.execute(sql);
      return { changes, lastRowId };
    };
    assert.deepEqual(await effect("INSERT INTO word (word) VALUES ('a'), ('b')"), {
      changes: 2,
      lastRowId: 2,
    });
    assert.deepEqual(await effect("UPDATE word SET n = 2 WHERE word = 'a'"), {
      changes: 1,
      lastRowId: undefined,
    });
    assert.deepEqual(await effect("INSERT OR IGNORE INTO word (word) VALUES ('a')"), {
      changes: 0,
      lastRowId: undefined,
    });
    const upsert = "INSERT INTO word (word) VALUES ('a') ON CONFLICT DO UPDATE SET n = n + 1";
    assert.deepEqual(await effect(upsert), { changes: 1, lastRowId: undefined });
    assert.deepEqual(await effect(upsert.replace("'a'", "'c'")), { changes: 1, lastRowId: 3 });
    assert.deepEqual(await effect('DELETE FROM word WHERE n > 2'), { changes: 1, lastRowId: undefined });
    assert.deepEqual(await effect('SELECT * FROM word'), { changes: 0, lastRowId: undefined });
    const returning = await db.execute("INSERT INTO word (word) VALUES ('d') RETURNING id, word");
    assert.deepEqual(returning.fetchAll(), [{ id: 4, word: 'd' }]);
    assert.deepEqual([returning.changes, returning.lastRowId], [1, 4]);
    assert.equal((await db.execute("SELECT 1 FROM word WHERE word = 'zz'")).fetchOne(), undefined);
  });
});

test('the statement cache stays bounded and correct over a thousand different statements', async (t) => {
  const db = await (await testStore(t)).open();
  await db.execute('CREATE TABLE kept (n)');
  const numbers = Array.from({ length: 1_200 }, (_, index) => index);
  for (const round of [1, 2]) {
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
      `round ${round}`,
    );
  }
});

test('statements that would weaken the database are refused with the reason', async (t) => {
  const db = await (await testStore(t)).open();
  await db.execute('CREATE TABLE kept (n)');
  const refused = [
    "ATTACH 'other.db' AS other",
    "/* hidden */ attach database 'x' as y",
    'DETACH main',
    'VACUUM',
    "VACUUM INTO '/tmp/copy.db'",
    'PRAGMA key = "x"',
    "PRAGMA rekey = ''",
    "PRAGMA main.hexrekey = ''",
    'PRAGMA journal_mode = DELETE',
    'PRAGMA journal_mode(off)',
    'PRAGMA synchronous = OFF',
    'PRAGMA foreign_keys = 0',
    'PRAGMA writable_schema = 1',
    'PRAGMA user_version = 3',
    'PRAGMA wal_checkpoint',
    'BEGIN',
    'COMMIT',
    '-- note\nROLLBACK',
    'SAVEPOINT a',
    'CREATE TEMP TABLE t (a)',
    'SELECT 1; DELETE FROM kept',
    'SELECT 1;;SELECT 2',
    '',
    '-- nothing',
    "SELECT sqlite3mc_config('cipher', 'rc4')",
    'SELECT "sqlite3mc_codec_data"(\'raw:cipher_salt\')',
    "INSERT INTO _aico_migrations VALUES ('a', 0, 'b', 'c', 'd')",
    'DELETE FROM "_aico_migrations"',
    'EXPLAIN; DROP TABLE kept',
  ];
  for (const sql of refused)
    await assert.rejects(
      db.execute(sql),
      (error) => {
        assert.ok(
          error instanceof StatementRefusedError || error instanceof StatementFailedError,
          `${sql}: ${error}`,
        );
        return true;
      },
      sql,
    );
  await assert.rejects(db.execute("SELECT load_extension('/tmp/x')"), StatementFailedError);
  assert.deepEqual((await db.execute('PRAGMA journal_mode')).rows, [{ journal_mode: 'wal' }]);
  assert.equal((await db.execute('PRAGMA table_info(kept)')).rows.length, 1);
  assert.deepEqual((await db.execute("SELECT 'ATTACH; PRAGMA key' AS text")).rows, [
    { text: 'ATTACH; PRAGMA key' },
  ]);
});

test('a full file refuses a write that does not fit, keeps all acknowledged writes, and accepts the next one that fits', async (t) => {
  const store = await testStore(t);
  const db = await store.open({ maxBytes: 200_000 });
  await db.execute('CREATE TABLE kept (id INTEGER PRIMARY KEY, v BLOB)');
  const answered: unknown[] = [];
  let full = 0;
  for (let round = 0; round < 20; round += 1) {
    const group = Array.from({ length: 8 }, () =>
      db.execute('INSERT INTO kept (v) VALUES (zeroblob(3000))').then(
        ({ lastRowId }) => answered.push(lastRowId),
        (error: unknown) => {
          assert.ok(error instanceof DiskFullError, String(error));
          full += 1;
        },
      ),
    );
    await Promise.all(group);
    while (db.state.kind !== 'ready') await nextTurn();
  }
  assert.ok(full > 0 && answered.length > 0);
  const ids = async () => (await db.execute('SELECT id FROM kept ORDER BY id')).rows.map((row) => row.id);
  assert.deepEqual(await ids(), answered);
  while (db.state.kind !== 'ready') await nextTurn();
  await db.execute('DELETE FROM kept WHERE id <= 10');
  await db.execute('INSERT INTO kept (v) VALUES (zeroblob(3000))');
  assert.equal((await ids()).length, answered.length - 9);
});
