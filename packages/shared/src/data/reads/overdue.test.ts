import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { testStore } from '../../../test/fixtures/store.ts';
import {
  type EncryptedDatabase,
  type EncryptedDatabaseOptions,
  ReadersTakenError,
  ResultTooLargeError,
  StatementOverdueError,
  StreamIdleError,
  WriterOverdueError,
} from '../index.ts';

const COUNT_TO = 'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)';
/** A statement that runs some seconds; one without an end would keep the test process alive. */
const LONG = `${COUNT_TO} SELECT count(*) AS c FROM n`;
const STEPS = [8_000_000] as const;

async function databaseOf(t: TestContext, options: Partial<EncryptedDatabaseOptions> = {}) {
  const db = await (await testStore(t)).open({ statementLimitMs: 200, ...options });
  await db.execute('CREATE TABLE kept (id INTEGER PRIMARY KEY, v)');
  await db.execute('INSERT INTO kept (v) VALUES (1), (2), (3)');
  return db;
}

const readsOf = (db: EncryptedDatabase, count: number) =>
  Promise.all(
    Array.from({ length: count }, async () => (await db.execute('SELECT count(*) AS n FROM kept')).rows),
  );

describe('a read beyond its time limit', () => {
  test('is rejected with an error that names it, and all other reads continue', async (t) => {
    const db = await databaseOf(t);
    const plugin = db.ownedBy('slowpoke');
    const beside = readsOf(db, 10);
    const slow = assert.rejects(plugin.execute(LONG, STEPS), (error) => {
      assert.ok(error instanceof StatementOverdueError, String(error));
      assert.equal(error.owner, 'slowpoke');
      assert.match(error.message, /^"WITH RECURSIVE .*" of slowpoke ran longer than 200 ms/);
      return true;
    });
    const after = readsOf(db, 100);
    assert.ok([...(await beside), ...(await after)].every((rows) => rows[0]?.n === 3));
    await slow;
    assert.deepEqual(
      db.overdue.flatMap(({ owner, statement }) => [owner, statement]),
      [
        'slowpoke',
        'WITH RECURSIVE … (…) AS (SELECT 1 UNION ALL SELECT … + 1 FROM … WHERE … < ?) SELECT count(*) AS … F…',
      ],
    );
    await assert.rejects(plugin.execute(LONG, STEPS), /still runs/);
    assert.equal((await plugin.execute('SELECT 1 AS one')).fetchOne()?.one, 1);
    await db.execute('INSERT INTO kept (v) VALUES (4)');
    assert.deepEqual((await readsOf(db, 1))[0], [{ n: 4 }]);
  });

  test('that is only slow resolves, and no other read waits for it', async (t) => {
    const db = await databaseOf(t, { statementLimitMs: 60_000 });
    let isDone = false;
    const slow = db.execute(LONG, STEPS).then(({ rows }) => {
      isDone = true;
      return rows;
    });
    // Sent to the only reader after it: reads, a statement that writes, and an operation.
    const behind = await Promise.all([
      readsOf(db, 100),
      db.execute('WITH x (v) AS (VALUES (5)) INSERT INTO kept (v) SELECT v FROM x'),
      db.check(),
      db.status(),
    ]);
    assert.equal(isDone, false);
    assert.equal(behind[0].length, 100);
    assert.deepEqual(await slow, [{ c: STEPS[0] }]);
    assert.deepEqual((await readsOf(db, 1))[0], [{ n: 4 }]);
    assert.deepEqual(db.overdue, []);
  });

  test('does not delay reads that were sent together with it', async (t) => {
    const db = await databaseOf(t, { statementLimitMs: 60_000 });
    let isDone = false;
    const before = readsOf(db, 1);
    const slow = db.execute(LONG, STEPS).then(() => (isDone = true));
    const behind = readsOf(db, 1);
    assert.deepEqual((await Promise.all([before, behind])).flat(2), [{ n: 3 }, { n: 3 }]);
    assert.equal(isDone, false);
    await slow;
    assert.deepEqual(db.overdue, []);
  });

  test('in a read-only transaction or a stream affects no other one', async (t) => {
    const db = await databaseOf(t);
    const other = db.stream('SELECT v FROM kept ORDER BY id');
    assert.deepEqual((await other.next()).value, { v: 1 });
    const [transaction, stream, view] = await Promise.allSettled([
      db.transaction((tx) => tx.execute(LONG, STEPS), { readOnly: true }),
      db.ownedBy('streamer').stream(`${LONG} WHERE i > 0`, STEPS)[Symbol.asyncIterator]().next(),
      db.transaction(
        async (tx) => {
          for (let round = 0; round < 30; round += 1) await tx.execute('SELECT * FROM kept');
          return 'seen';
        },
        { readOnly: true },
      ),
    ]);
    assert.ok(transaction.status === 'rejected' && transaction.reason instanceof StatementOverdueError);
    assert.ok(stream.status === 'rejected' && stream.reason instanceof StatementOverdueError);
    assert.equal(stream.reason.owner, 'streamer');
    assert.ok(view.status === 'fulfilled' && view.value === 'seen');
    assert.deepEqual((await other.next()).value, { v: 2 });
    await other.return();
  });

  test('does not block close()', async (t) => {
    const db = await databaseOf(t, { statementLimitMs: 100 });
    const slow = db.execute(LONG, [40_000_000]);
    await assert.rejects(slow, StatementOverdueError);
    const began = performance.now();
    await db.close();
    const took = performance.now() - began;
    assert.ok(took < 8_000, `${took} ms`);
    assert.equal(db.overdue.length, 1, 'it still ran when the database was closed');
  });
});

test('an overdue write is named in the errors of waiting writes, and still completes', async (t) => {
  const db = await databaseOf(t, { writeWaitMs: 200 });
  const plugin = db.ownedBy('scribe');
  await plugin.migrate('scribe', [{ id: '001', sql: 'CREATE TABLE scribbled (n)' }]);
  const long = plugin.execute(`INSERT INTO scribbled ${LONG}`, STEPS);
  const error = await db.transaction(async () => undefined).catch((reason: unknown) => reason);
  assert.ok(error instanceof WriterOverdueError, String(error));
  assert.equal(error.owner, 'scribe');
  await assert.rejects(db.execute('DELETE FROM kept'), WriterOverdueError);
  assert.equal(db.overdue[0]?.owner, 'scribe');
  assert.deepEqual((await readsOf(db, 1))[0], [{ n: 3 }]);
  await long;
  assert.deepEqual(db.overdue, []);
  await db.execute('DELETE FROM kept');
});

test('an abandoned iterator is closed, named in its error, and releases its reader', async (t) => {
  const db = await databaseOf(t, { statementLimitMs: 10_000 });
  const forgotten = Array.from({ length: 16 }, () =>
    db.ownedBy('forgetful').stream('SELECT 1 AS one', [], { idleMs: 300 })[Symbol.asyncIterator](),
  );
  for (const iterator of forgotten) assert.equal((await iterator.next()).done, false);
  const { rows } = await db.transaction((tx) => tx.execute('SELECT count(*) AS n FROM kept'), {
    readOnly: true,
  });
  assert.deepEqual(rows, [{ n: 3 }]);
  await assert.rejects(forgotten[0]?.next() ?? Promise.resolve(), (error) => {
    assert.ok(error instanceof StreamIdleError, String(error));
    assert.equal(error.owner, 'forgetful');
    assert.match(error.openedAt, /overdue\.test\.ts/);
    return true;
  });
});

test('the error of a full reader pool names the oldest user', async (t) => {
  const db = await databaseOf(t);
  const holder = db.ownedBy('holder');
  const open = await Promise.all(Array.from({ length: 16 }, () => holder.begin({ readOnly: true })));
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const waiting = db.begin({ readOnly: true });
  t.mock.timers.tick(30_001);
  t.mock.timers.reset();
  await assert.rejects(waiting, (error) => {
    assert.ok(error instanceof ReadersTakenError, String(error));
    assert.match(
      error.message,
      /the oldest is a read-only transaction that holder opened .* at .*overdue\.test\.ts/,
    );
    return true;
  });
  for (const tx of open) await tx.rollback();
  assert.deepEqual((await readsOf(db, 1))[0], [{ n: 3 }]);
});

describe('a result', () => {
  const MIB = 1024 * 1024;
  test('that takes too much memory is refused, and its write is rolled back', async (t) => {
    const db = await databaseOf(t, { maxResultBytes: MIB, statementLimitMs: 10_000 });
    const large = `${COUNT_TO} SELECT i, hex(zeroblob(500)) AS z FROM n`;
    await assert.rejects(db.execute(large, [10_000]), ResultTooLargeError);
    await assert.rejects(
      db.transaction((tx) => tx.execute(large, [10_000]), { readOnly: true }),
      ResultTooLargeError,
    );
    const returning = `INSERT INTO kept (v) ${large.replace('i, ', '')} RETURNING v`;
    await assert.rejects(db.execute(returning, [10_000]), ResultTooLargeError);
    await db.transaction(async (tx) => {
      await assert.rejects(tx.execute(returning, [10_000]), ResultTooLargeError);
      await tx.execute('INSERT INTO kept (v) VALUES (9)');
    });
    assert.deepEqual((await readsOf(db, 1))[0], [{ n: 4 }]);
    let rows = 0;
    for await (const _ of db.stream(large, [10_000])) rows += 1;
    assert.equal(rows, 10_000);
  });

  test('of many concurrent calls is complete, in replies of bounded size', async (t) => {
    const db = await databaseOf(t, { statementLimitMs: 10_000 });
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        db.execute<{ n: number; z: string }>(`SELECT ? AS n, hex(zeroblob(${MIB / 2})) AS z`, [n]),
      ),
    );
    answers.forEach(({ rows }, n) => {
      assert.deepEqual([rows[0]?.n, rows[0]?.z.length], [n, MIB]);
    });
    const written = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        db.execute<{ z: string }>(
          `INSERT INTO kept (v) VALUES (?) RETURNING hex(zeroblob(${MIB / 2})) AS z`,
          [n],
        ),
      ),
    );
    assert.ok(written.every(({ rows }) => rows[0]?.z.length === MIB));
    assert.deepEqual((await readsOf(db, 1))[0], [{ n: 23 }]);
  });
});
