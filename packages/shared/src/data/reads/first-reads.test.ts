import assert from 'node:assert/strict';
import { test } from 'node:test';
import Driver from 'better-sqlite3-multiple-ciphers';
import { testStore } from '../../../test/fixtures/store.ts';
import { programFacts } from '../engine/program.ts';

test('only a read without nested loops counts as linear', () => {
  const connection = new Driver(':memory:');
  connection.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v); CREATE VIRTUAL TABLE words USING fts5 (w)');
  const isLinear = (sql: string): boolean => programFacts(connection, sql, []).isLinear;
  for (const sql of [
    'SELECT v FROM t WHERE id = 1',
    'SELECT * FROM t ORDER BY v',
    'SELECT count(*), sum(v) FROM t',
    'SELECT (SELECT min(id) FROM t) AS first, (SELECT max(id) FROM t) AS last',
  ])
    assert.equal(isLinear(sql), true, sql);
  for (const sql of [
    'SELECT 1 FROM t AS a, t AS b WHERE a.v <> b.v',
    'SELECT v FROM t WHERE v = (SELECT max(v) FROM t AS other WHERE other.v < t.v)',
    'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 9) SELECT count(*) FROM n',
    "SELECT * FROM words WHERE words MATCH 'a'",
  ])
    assert.equal(isLinear(sql), false, sql);
  connection.close();
});

test('the first reads see every acknowledged write, and none that is open or rolled back', async (t) => {
  const db = await (await testStore(t)).open();
  await db.execute('CREATE TABLE kept (v)');
  const count = async (): Promise<unknown> => (await db.execute('SELECT count(*) AS n FROM kept')).rows[0];
  for (let n = 1; n <= 20; n += 1) {
    await db.execute('INSERT INTO kept VALUES (1)');
    assert.deepEqual(await count(), { n });
  }
  const tx = await db.begin();
  await tx.execute('INSERT INTO kept VALUES (2)');
  assert.deepEqual(await count(), { n: 20 });
  await tx.rollback();
  assert.deepEqual(await count(), { n: 20 });
});

test('a read that the writer passes to the readers resolves, even if it writes', async (t) => {
  const db = await (await testStore(t)).open();
  await db.execute('CREATE TABLE kept (v)');
  const slow =
    'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000) SELECT count(*) AS n FROM n';
  const tx = await db.begin();
  const answers = Promise.all([db.execute(slow), db.execute('SELECT count(*) AS n FROM kept')]);
  assert.deepEqual(
    (await answers).map(({ rows }) => rows[0]),
    [{ n: 1000 }, { n: 0 }],
  );
  await tx.commit();
});

test('a read during a short transaction waits for its end and starts no reader', async (t) => {
  const db = await (await testStore(t)).open();
  await db.execute('CREATE TABLE kept (v)');
  let threads = 0;
  const count = (): void => {
    threads += 1;
  };
  process.on('worker', count);
  t.after(() => process.off('worker', count));
  const tx = await db.begin();
  const beganAt = performance.now();
  const read = db.execute('SELECT count(*) AS n FROM kept');
  await tx.execute('INSERT INTO kept VALUES (1)');
  await tx.commit();
  assert.deepEqual((await read).rows, [{ n: 1 }]);
  // On a slow machine the transaction may take longer than a read waits for the writer.
  if (performance.now() - beganAt < 100) assert.equal(threads, 0);
});
