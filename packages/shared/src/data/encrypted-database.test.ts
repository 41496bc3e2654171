import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { testStore } from '../../test/fixtures/store.ts';
import {
  ConstraintError,
  DatabaseClosedError,
  DiskFullError,
  EngineCrashedError,
  ParametersInvalidError,
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

  test('are copied by the call, so that later changes have no effect', async (t) => {
    const db = await (await testStore(t)).open();
    await db.execute('CREATE TABLE kept (a, b)');
    const bytes = Buffer.from('before');
    const params = ['before', bytes];
    const written = db.execute('INSERT INTO kept VALUES (?, ?)', params);
    params[0] = 'after!';
    bytes.write('after!');
    await written;
    const { rows } = await db.execute<{ a: string; b: string }>('SELECT a, CAST(b AS TEXT) AS b FROM kept');
    assert.deepEqual(rows, [{ a: 'before', b: 'before' }]);
  });

  test('that no column can hold are refused, and the error names the parameter', async (t) => {
    const db = await (await testStore(t)).open();
    const bad: readonly [unknown, RegExp][] = [
      [[Number.NaN], /parameter 1 is NaN/],
      [[undefined], /parameter 1 is of type undefined/],
      [['a\0b'], /parameter 1 contains a NUL/],
      [['a\ud800'], /parameter 1 contains a lone surrogate/],
      [['\udc00a'], /parameter 1 contains a lone surrogate/],
      [[new Date()], /Date: store toISOString/],
      [[{}], /parameter 1 is of type object/],
      [[2n ** 63n], /parameter 1 does not fit/],
      ['text', /an array/],
      [[], /1 placeholder, but 0 values were given/],
      [[1, 2], /1 placeholder, but 2 values were given/],
      [{ other: 1 }, /pass an array/],
    ];
    for (const [params, message] of bad)
      await assert.rejects(db.execute('SELECT ?', params as never), (error) => {
        assert.ok(error instanceof ParametersInvalidError, String(error));
        assert.match(error.message, message);
        return true;
      });
  });
});

test('placeholders take values by order, number or name, and the error explains a mismatch', async (t) => {
  const db = await (await testStore(t)).open();
  const taken: readonly [sql: string, params: SqlParameters, tuple: readonly SqlValue[]][] = [
    ['SELECT ?, ?', [1, 'a'], [1, 'a']],
    ['SELECT ?2, ?1', [1, 'a'], ['a', 1]],
    ['SELECT ?1, ?1', [7], [7, 7]],
    ['SELECT ?1, ?2', { 1: 'a', 2: 'b' }, ['a', 'b']],
    ['SELECT :a, @b, $c, :a', { a: 1, b: 2, c: 3 }, [1, 2, 3, 1]],
    ['SELECT :__proto__', JSON.parse('{"__proto__": 5}'), [5]],
    [`SELECT '?', ":a", [?], ? -- ?\n FROM (SELECT 1 AS ":a", 2 AS [?])`, [9], ['?', 1, 2, 9]],
    ['SELECT 1', [], [1]],
    ['SELECT 1', {}, [1]],
  ];
  for (const [sql, params, tuple] of taken) {
    assert.deepEqual((await db.execute(sql, params)).tuples, [tuple], sql);
    assert.deepEqual(
      await db.transaction(async (tx) => (await tx.execute(sql, params)).tuples),
      [tuple],
      sql,
    );
  }
  const refused: readonly [sql: string, params: SqlParameters | undefined, message: RegExp][] = [
    ['SELECT ?1, ?2', [1], /2 placeholders, but 1 value was given/],
    ['SELECT ?1, ?2', { 1: 1 }, /no value for :2/],
    ['SELECT ?1, ?3', [1, 2, 3], /omits a number/],
    ['SELECT ?1, ?', [1, 2], /mixes kinds of placeholders/],
    ['SELECT :a, ?', { a: 1 }, /mixes kinds of placeholders/],
    ['SELECT :a', [1], /pass an object with :a/],
    ['SELECT :a, :b', undefined, /pass an object with :a, :b/],
    ['SELECT :a, :b', { a: 1 }, /no value for :b/],
    ['SELECT :a', { ':a': 1 }, /no value for :a; names are given without their prefix/],
    ['SELECT :a', { a: 1, b: 2 }, /1 value has a name without a placeholder in the statement/],
    ['SELECT ?', undefined, /1 placeholder, but 0 values were given/],
  ];
  for (const [sql, params, message] of refused)
    for (const run of [
      () => db.execute(sql, params),
      () => db.transaction((tx) => tx.execute(sql, params)),
      () => db.stream(sql, params).next(),
    ])
      await assert.rejects(run, (error) => {
        assert.ok(error instanceof ParametersInvalidError, String(error));
        assert.match(error.message, message);
        return true;
      });
});

describe('a result', () => {
  test('has its columns in order, even if two have the same name or there are no rows', async (t) => {
    const db = await (await testStore(t)).open();
    await db.execute('CREATE TABLE kept (id INTEGER PRIMARY KEY, v)');
    for (const run of [db.execute.bind(db), <R>(sql: string) => db.transaction((tx) => tx.execute<R>(sql))]) {
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
  });

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

  test('has the current columns after the schema of a cached statement has changed', async (t) => {
    const db = await (await testStore(t)).open();
    await db.execute('CREATE TABLE kept (a, b)');
    await db.execute('INSERT INTO kept VALUES (1, 2)');
    const read = async () => (await db.execute('SELECT * FROM kept')).rows;
    assert.deepEqual(await read(), [{ a: 1, b: 2 }]);
    await db.execute('ALTER TABLE kept RENAME COLUMN a TO z');
    assert.deepEqual(await read(), [{ z: 1, b: 2 }]);
    await db.execute('ALTER TABLE kept ADD COLUMN c DEFAULT 3');
    assert.deepEqual(await read(), [{ z: 1, b: 2, c: 3 }]);
    await db.transaction(async (tx) => {
      assert.deepEqual((await tx.execute('SELECT * FROM kept')).rows, [{ z: 1, b: 2, c: 3 }]);
      await tx.execute('ALTER TABLE kept DROP COLUMN b');
      assert.deepEqual((await tx.execute('SELECT * FROM kept')).rows, [{ z: 1, c: 3 }]);
    });
    assert.deepEqual(await read(), [{ z: 1, c: 3 }]);
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

test('a WITH statement reads or writes according to its content, and the next read sees its write', async (t) => {
  const db = await (await testStore(t)).open();
  await db.execute('CREATE TABLE kept (n)');
  for (let n = 0; n < 5; n += 1) {
    await db.execute('WITH new (n) AS (VALUES (?)) INSERT INTO kept SELECT n FROM new', [n]);
    const { rows } = await db.execute('WITH all_of AS (SELECT n FROM kept) SELECT count(*) AS c FROM all_of');
    assert.deepEqual(rows, [{ c: n + 1 }]);
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

test('an error contains the statement without its literals', async (t) => {
  const db = await (await testStore(t)).open();
  await assert.rejects(db.execute("SELECT secret FROM nowhere WHERE word = 'canary-4711'"), (error) => {
    assert.ok(error instanceof StatementFailedError);
    assert.match(error.message, /no such table: …/);
    assert.equal(error.engineMessage, 'no such table: nowhere');
    assert.doesNotMatch(error.message + error.statement + error.stack, /canary/);
    return true;
  });
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

describe('close', () => {
  test('completes accepted calls, can be called twice, and refuses later calls', async (t) => {
    const store = await testStore(t);
    const db = await store.open();
    await db.execute('CREATE TABLE kept (n)');
    const writes = Array.from({ length: 500 }, (_, n) => db.execute('INSERT INTO kept VALUES (?)', [n]));
    const reads = Array.from({ length: 100 }, () => db.execute('SELECT 1 AS one'));
    const closed = Promise.all([db.close(), db.close()]);
    await assert.rejects(db.execute('SELECT 1'), DatabaseClosedError);
    await Promise.all(writes);
    await Promise.all(reads);
    await closed;
    for (const late of [
      () => db.execute('SELECT 1'),
      () => db.transaction(async () => undefined),
      () => db.begin({ readOnly: true }),
      () => db.migrate('a', []),
      () => db.check(),
      () => db.status(),
      () => db.stream('SELECT 1').next(),
    ])
      await assert.rejects(late, DatabaseClosedError);
    const again = await store.open();
    assert.deepEqual((await again.execute('SELECT count(*) AS n FROM kept')).rows, [{ n: 500 }]);
  });

  test('waits for an open transaction', async (t) => {
    const store = await testStore(t);
    const db = await store.open();
    await db.execute('CREATE TABLE kept (n)');
    const { promise: inside, resolve: entered } = Promise.withResolvers<void>();
    const { promise: goOn, resolve: release } = Promise.withResolvers<void>();
    const work = db.transaction(async (tx) => {
      entered();
      await goOn;
      await tx.execute('INSERT INTO kept VALUES (1)');
    });
    await inside;
    const closed = db.close();
    release();
    await work;
    await closed;
    const again = await store.open();
    assert.deepEqual((await again.execute('SELECT n FROM kept')).rows, [{ n: 1 }]);
  });
});

test('a large result is streamed in chunks with each row once, and leaving early releases the reader', async (t) => {
  const db = await (await testStore(t)).open();
  await db.execute('CREATE TABLE kept (id INTEGER PRIMARY KEY, v)');
  await db.execute(
    'INSERT INTO kept (v) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i FROM n',
  );
  let sum = 0;
  for await (const { v } of db.stream<{ v: number }>('SELECT v FROM kept WHERE v <= ?', [4_000])) {
    sum += v;
    // Rows written meanwhile are not in the snapshot.
    if (v % 1_000 === 0) await db.execute('INSERT INTO kept (v) VALUES (1)');
  }
  assert.equal(sum, (4_000 * 4_001) / 2);
  for (let round = 0; round < 40; round += 1)
    for await (const row of db.stream('SELECT v FROM kept')) {
      assert.ok(row.v !== undefined);
      break;
    }
  await assert.rejects(db.stream('DELETE FROM kept').next(), StatementRefusedError);
  await assert.rejects(db.stream('SELECT * FROM nowhere').next(), StatementFailedError);
  assert.equal((await db.execute('SELECT count(*) AS n FROM kept')).fetchOne()?.n, 5_004);
});

test('an error of a constraint names its kind, and a crashed engine rejects waiting and later calls', async (t) => {
  const db = await (await testStore(t)).open();
  await db.execute('CREATE TABLE kept (a UNIQUE, b NOT NULL, CHECK (a > 0))');
  await db.execute('INSERT INTO kept VALUES (1, 1)');
  for (const [sql, constraint] of [
    ['INSERT INTO kept VALUES (1, 1)', 'unique'],
    ['INSERT INTO kept VALUES (2, NULL)', 'notnull'],
    ['INSERT INTO kept VALUES (-2, 1)', 'check'],
  ] as const)
    await assert.rejects(db.execute(sql), (error) => {
      assert.ok(error instanceof ConstraintError);
      assert.equal(error.constraint, constraint);
      return true;
    });
  assert.ok(new EngineCrashedError('writer', undefined).message.includes('writer'));
});
