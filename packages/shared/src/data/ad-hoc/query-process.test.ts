import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { KEY, testStore } from '../../../test/fixtures/store.ts';
import {
  AdHocQueries,
  type AdHocQuery,
  QueryAbandonedError,
  QueryDeadlineError,
  QueryTooLargeError,
  StatementFailedError,
  StatementRefusedError,
} from '../index.ts';
import { frame } from './wire.ts';

const ENDLESS = 'WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c';
const COUNT_TO = 'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)';

async function queriesOn(t: TestContext, atOnce = 4) {
  const store = await testStore(t);
  const db = await store.open();
  await db.execute('CREATE TABLE kept (id INTEGER PRIMARY KEY, v)');
  await db.execute('INSERT INTO kept (v) VALUES (1), (?), (?), (NULL)', [2n ** 60n, new Uint8Array([1, 2])]);
  const queries = new AdHocQueries({ file: store.file, key: () => Uint8Array.from(KEY), atOnce });
  const run = (sql: string, options: Partial<AdHocQuery> = {}) =>
    queries.run({ sql, maxRows: 1_000, signal: new AbortController().signal, ...options });
  return { store, db, run };
}

describe('an ad-hoc query', () => {
  test('reads the committed rows of the running database with exact values', async (t) => {
    const { db, run } = await queriesOn(t);
    const { rows } = await run('SELECT v FROM kept ORDER BY id');
    assert.deepEqual(rows, [[1], [2n ** 60n], [new Uint8Array([1, 2])], [null]]);
    await db.execute('INSERT INTO kept VALUES (9, 9)');
    assert.deepEqual((await run('SELECT v FROM kept WHERE id = ?', { params: [9] })).rows, [[9]]);
    const exact = [
      2n ** 53n + 1n,
      -(2n ** 63n),
      -0,
      Number.POSITIVE_INFINITY,
      'é',
      new Uint8Array([0, 1, 255]),
    ];
    assert.deepEqual((await run('SELECT ?, ?, ?, ?, ?, ?', { params: exact })).rows, [exact]);
    assert.deepEqual(await run('SELECT v AS a, id AS b FROM kept WHERE id = 77'), {
      columns: ['a', 'b'],
      rows: [],
      truncated: false,
    });
  });

  test('must be a single statement that only reads', async (t) => {
    const { db, run } = await queriesOn(t);
    for (const sql of [
      'DELETE FROM kept',
      "WITH x AS (SELECT 1) INSERT INTO kept (v) SELECT 'x' FROM x",
      "ATTACH 'other.db' AS other",
      'PRAGMA user_version = 7',
      'SELECT 1; SELECT 2',
    ])
      await assert.rejects(run(sql), StatementRefusedError, sql);
    await assert.rejects(run('SELECT * FROM nowhere'), StatementFailedError);
    assert.equal((await db.execute('SELECT count(*) AS n FROM kept')).fetchOne()?.n, 4);
  });

  test('without an end is cancelled at its deadline, and does not block the backend', async (t) => {
    const { db, run } = await queriesOn(t);
    const endless = assert.rejects(run(ENDLESS, { deadlineMs: 700 }), (error) => {
      assert.ok(error instanceof QueryDeadlineError);
      assert.match(error.message, /SELECT count\(\*\) FROM …/);
      return true;
    });
    for (let round = 0; round < 20; round += 1)
      assert.equal((await db.execute('SELECT count(*) AS n FROM kept')).fetchOne()?.n, 4);
    await endless;
  });

  test('is cancelled by its signal, even while it waits for its turn', async (t) => {
    const { run } = await queriesOn(t, 1);
    const leaving = new AbortController();
    const first = run(ENDLESS, { signal: leaving.signal });
    const second = run(ENDLESS, { signal: leaving.signal });
    leaving.abort();
    await assert.rejects(first, QueryAbandonedError);
    await assert.rejects(second, QueryAbandonedError);
    assert.deepEqual((await run('SELECT 1 AS one')).rows, [[1]]);
  });

  test('returns no more than the given rows and bytes', async (t) => {
    const { run } = await queriesOn(t);
    const rows = await run(`${COUNT_TO} SELECT i FROM n`, { params: [50], maxRows: 20 });
    assert.deepEqual([rows.rows.length, rows.truncated], [20, true]);
    const bytes = await run(`${COUNT_TO} SELECT zeroblob(100000) AS z FROM n`, {
      params: [10_000],
      maxRows: 10_000,
      maxBytes: 1_050_000,
    });
    assert.deepEqual([bytes.rows.length, bytes.truncated], [10, true]);
    const whole = await run(`${COUNT_TO} SELECT i FROM n`, { params: [20], maxRows: 20 });
    assert.deepEqual([whole.rows.length, whole.truncated], [20, false]);
    await assert.rejects(run('SELECT zeroblob(2000000)', { maxBytes: 1_000_000 }), QueryTooLargeError);
  });

  test('that needs too much memory is cancelled', async (t) => {
    const { run } = await queriesOn(t);
    const sql = `${COUNT_TO} SELECT i FROM (SELECT i, randomblob(10000) AS r FROM n ORDER BY r)`;
    await assert.rejects(
      run(sql, { params: [10_000_000], maxMemoryBytes: 64 * 1024 * 1024 }),
      QueryTooLargeError,
    );
  });

  test('receives the key through a pipe, not in its arguments or environment', {
    skip: process.platform !== 'linux' && 'needs /proc',
  }, async (t) => {
    const { run } = await queriesOn(t);
    const leaving = new AbortController();
    const running = run(ENDLESS, { signal: leaving.signal });
    running.catch(() => undefined);
    let found: Buffer[] = [];
    while (found.length === 0) found = await childrenSeen();
    leaving.abort();
    await assert.rejects(running, QueryAbandonedError);
    const key = Buffer.from(KEY);
    for (const content of found)
      for (const form of [key, key.toString('hex'), key.toString('base64').slice(0, 40)])
        assert.ok(!content.includes(form));
  });
});

/** The arguments and environment of the child processes that run queries. */
async function childrenSeen(): Promise<Buffer[]> {
  const seen: Buffer[] = [];
  for (const task of await readdir('/proc/self/task'))
    for (const pid of (await readFile(`/proc/self/task/${task}/children`, 'utf8')).split(' ')) {
      if (pid.trim() === '') continue;
      const parts = await Promise.all([readFile(`/proc/${pid}/cmdline`), readFile(`/proc/${pid}/environ`)]);
      const content = Buffer.concat(parts);
      if (content.includes('query-child')) seen.push(content);
    }
  return seen;
}

test('the process of an endless query ends with its parent', async (t) => {
  const { store } = await queriesOn(t);
  const script = fileURLToPath(new URL('./query-child.ts', import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'], env: {} });
  t.after(() => child.kill('SIGKILL'));
  const limits = { maxRows: 1, maxBytes: 1, maxMemoryBytes: 2 ** 30, deadlineMs: 600_000 };
  const request = frame({ file: store.file, cipher: 'aegis', sql: ENDLESS, params: [], ...limits });
  child.stdin.write(Buffer.concat([request, KEY]));
  // The kernel closes the pipe of a killed parent in the same way.
  child.stdin.end();
  const [, signal] = await once(child, 'close');
  assert.equal(signal, 'SIGKILL');
});
