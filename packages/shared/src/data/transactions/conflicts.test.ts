import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testStore } from '../../../test/fixtures/store.ts';
import { TransactionConflictError } from '../index.ts';
import { randomConflicts } from './conflicts.ts';

test('the work of a transaction with a conflict runs again, and only its last run has effects', async (t) => {
  const db = await (await testStore(t)).open({ conflicts: { inTransaction: (run) => run < 3 } });
  await db.migrate('note', [{ id: '001', sql: 'CREATE TABLE note (text TEXT NOT NULL)' }]);
  const view = db.ownedBy('note');
  const effects: number[] = [];
  for (const database of [db, view]) {
    let runs = 0;
    const result = await database.transaction(async (tx) => {
      runs += 1;
      const run = runs;
      await tx.execute('INSERT INTO note VALUES (?)', [`run ${run}`]);
      await tx.transaction(async (nested) => nested.afterCommit(() => effects.push(run)));
      return run;
    });
    assert.deepEqual([result, runs], [3, 3]);
  }
  const { rows } = await db.execute('SELECT text FROM note');
  assert.deepEqual(rows, [{ text: 'run 3' }, { text: 'run 3' }]);
  assert.deepEqual(effects, [3, 3]);
});

test('work that rejects is not run again', async (t) => {
  const db = await (await testStore(t)).open({ conflicts: { inTransaction: () => true } });
  let runs = 0;
  await assert.rejects(
    db.transaction(async () => {
      runs += 1;
      throw new Error('on purpose');
    }),
    /on purpose/,
  );
  assert.equal(runs, 1);
});

test('a transaction of begin() with a conflict is rolled back with an error and does not run again', async (t) => {
  let isConflict = true;
  const db = await (await testStore(t)).open({ conflicts: { inBegun: () => isConflict } });
  await db.execute('CREATE TABLE note (text TEXT NOT NULL)');
  const add = async (): Promise<void> => {
    const tx = await db.begin();
    await tx.execute("INSERT INTO note VALUES ('one')");
    tx.afterCommit(() => assert.ok(!isConflict));
    await tx.commit();
  };
  await assert.rejects(add(), TransactionConflictError);
  assert.deepEqual((await db.execute('SELECT * FROM note')).rows, []);
  isConflict = false;
  await add();
  assert.deepEqual((await db.execute('SELECT * FROM note')).rows, [{ text: 'one' }]);
});

test('random conflicts make about a quarter of all transactions run twice', () => {
  const conflicts = randomConflicts(() => 0.1);
  assert.deepEqual(
    [1, 2].map((run) => conflicts.inTransaction?.(run)),
    [true, false],
  );
  assert.equal(randomConflicts(() => 0.5).inTransaction?.(1), false);
});
