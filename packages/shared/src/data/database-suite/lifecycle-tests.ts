import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DatabaseClosedError } from '../threads/errors.ts';
import { createTables, type WithDatabase } from './store-under-test.ts';

/** The tests of states, status and closing in the acceptance suite. */
export function lifecycleTests(withDatabase: WithDatabase): void {
  test('the state is ready, check() passes, and status() describes the database', () =>
    withDatabase(async (db) => {
      await createTables(db, 'CREATE TABLE kept (n INTEGER); INSERT INTO kept VALUES (1)');
      assert.deepEqual(db.state, { kind: 'ready' });
      assert.deepEqual(db.overdue, []);
      await db.check();
      const status = await db.status();
      assert.ok(status.engine !== '' && status.version !== '' && status.location !== '');
      assert.ok(status.bytes > 0);
      assert.deepEqual(status.tables, [{ name: 'kept', rows: 1 }]);
      assert.ok(status.clear.every(({ table }) => table === 'kept'));
      const [migration] = status.migrations;
      assert.deepEqual([migration?.owner, migration?.id], ['test', '001']);
      assert.match(migration?.appliedAt ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    }));

  test('a database that has stopped acknowledging refuses writes and still reads', () =>
    withDatabase(async (db) => {
      await createTables(db, 'CREATE TABLE kept (n INTEGER)');
      await db.execute('INSERT INTO kept VALUES (1)');
      db.stopAcknowledging(new Error('the home is gone'));
      assert.equal(db.state.kind, 'failed');
      const refused = { code: 'AICO_DATA_LOST' };
      await assert.rejects(db.execute('INSERT INTO kept VALUES (2)'), refused);
      await assert.rejects(
        db.transaction((tx) => tx.execute('INSERT INTO kept VALUES (2)')),
        refused,
      );
      assert.deepEqual((await db.execute('SELECT n FROM kept')).rows, [{ n: 1 }]);
    }));

  describe('close()', () => {
    test('completes accepted calls, can be called twice, and refuses later calls', () =>
      withDatabase(async (db, store) => {
        await createTables(db, 'CREATE TABLE kept (n INTEGER)');
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
          () => db.stream('SELECT 1')[Symbol.asyncIterator]().next(),
        ])
          await assert.rejects(late, DatabaseClosedError);
        const again = await store.open();
        assert.deepEqual((await again.execute('SELECT count(*) AS n FROM kept')).rows, [{ n: 500 }]);
      }));

    test('waits for an open transaction', () =>
      withDatabase(async (db, store) => {
        await createTables(db, 'CREATE TABLE kept (n INTEGER)');
        const inside = Promise.withResolvers<void>();
        const goOn = Promise.withResolvers<void>();
        const work = db.transaction(async (tx) => {
          inside.resolve();
          await goOn.promise;
          await tx.execute('INSERT INTO kept VALUES (1)');
        });
        await inside.promise;
        const closed = db.close();
        goOn.resolve();
        await work;
        await closed;
        const again = await store.open();
        assert.deepEqual((await again.execute('SELECT n FROM kept')).rows, [{ n: 1 }]);
      }));
  });
}
