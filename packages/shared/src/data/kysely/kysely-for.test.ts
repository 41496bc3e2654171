import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Generated } from 'kysely';
import { testStore } from '../../../test/fixtures/store.ts';
import { ConstraintError, type EncryptedDatabase, ReadOnlyTransactionError } from '../index.ts';
import { kyselyFor } from './index.ts';

interface Notes {
  note: { id: Generated<number>; text: string; stars: number | null };
}

async function openNotes(t: Parameters<typeof testStore>[0]): Promise<EncryptedDatabase> {
  const database = await (await testStore(t)).open();
  await database.migrate('notes', [
    {
      id: '001',
      sql: 'CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, stars INTEGER)',
    },
  ]);
  return database;
}

test('queries are typed: names outside the schema do not compile, and fail at runtime', async (t) => {
  const notes = kyselyFor<Notes>(await openNotes(t));
  const inserted = await notes.insertInto('note').values({ text: 'one', stars: 3 }).executeTakeFirstOrThrow();
  assert.equal(inserted.insertId, 1n);
  const row = await notes.selectFrom('note').selectAll().where('id', '=', 1).executeTakeFirstOrThrow();
  const stars: number | null = row.stars;
  assert.deepEqual({ ...row, stars }, { id: 1, text: 'one', stars: 3 });
  const updated = await notes.updateTable('note').set({ stars: 4 }).executeTakeFirstOrThrow();
  assert.equal(updated.numUpdatedRows, 1n);
  assert.deepEqual(await notes.deleteFrom('note').returning('stars').execute(), [{ stars: 4 }]);
  // @ts-expect-error a misspelt column
  await assert.rejects(notes.selectFrom('note').select('txet').execute(), /no such column/);
  // @ts-expect-error a misspelt table
  await assert.rejects(notes.selectFrom('ntoe').selectAll().execute(), /no such table/);
  // @ts-expect-error a value of another type
  await notes.insertInto('note').values({ text: 5 }).execute();
});

test('a transaction commits completely or not at all, and a read-only transaction refuses writes', async (t) => {
  const database = await openNotes(t);
  const notes = kyselyFor<Notes>(database);
  await notes.transaction().execute(async (tx) => {
    await tx.insertInto('note').values({ text: 'kept' }).execute();
  });
  const failing = notes.transaction().execute(async (tx) => {
    await tx.insertInto('note').values({ text: 'undone' }).execute();
    await tx.insertInto('note').values({ text: 'kept' }).execute();
  });
  await assert.rejects(failing, ConstraintError);
  const reading = notes
    .transaction()
    .setAccessMode('read only')
    .execute((tx) => tx.deleteFrom('note').execute());
  await assert.rejects(reading, ReadOnlyTransactionError);
  assert.deepEqual(await notes.selectFrom('note').select('text').execute(), [{ text: 'kept' }]);
});

test('inside a transaction of the database, queries belong to it and transactions of Kysely are savepoints', async (t) => {
  const database = await openNotes(t);
  const texts = async () => (await database.execute('SELECT text FROM note ORDER BY id')).rows;
  await database.transaction(async (tx) => {
    const notes = kyselyFor<Notes>(tx);
    await notes.insertInto('note').values({ text: 'one' }).execute();
    const nested = notes.transaction().execute(async (inner) => {
      await inner.insertInto('note').values({ text: 'undone' }).execute();
      throw new Error('not this');
    });
    await assert.rejects(nested, /not this/);
    await notes.transaction().execute((inner) => inner.insertInto('note').values({ text: 'two' }).execute());
    assert.deepEqual(await texts(), [], 'nothing of it is seen outside before the commit');
  });
  assert.deepEqual(await texts(), [{ text: 'one' }, { text: 'two' }]);
});

test('named savepoints can be rolled back to and released', async (t) => {
  const notes = kyselyFor<Notes>(await openNotes(t));
  const add = (text: string) => ({ text });
  const tx = await notes.startTransaction().execute();
  await tx.insertInto('note').values(add('one')).execute();
  const first = await tx.savepoint('first').execute();
  await first.insertInto('note').values(add('undone')).execute();
  const second = await first.savepoint('second').execute();
  await second.insertInto('note').values(add('undone too')).execute();
  const back = await second.rollbackToSavepoint('first').execute();
  await back.insertInto('note').values(add('two')).execute();
  await back.releaseSavepoint('first').execute();
  await tx.insertInto('note').values(add('three')).execute();
  await tx.commit().execute();
  const rows = await notes.selectFrom('note').select('text').orderBy('id').execute();
  assert.deepEqual(
    rows.map(({ text }) => text),
    ['one', 'two', 'three'],
  );
});

test('a large result is streamed, and leaving early releases the reader', async (t) => {
  const database = await openNotes(t);
  await database.execute(
    "INSERT INTO note (text) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT 'note ' || i FROM n",
  );
  const all = kyselyFor<Notes>(database).selectFrom('note').select('id').orderBy('id');
  const ids: number[] = [];
  for await (const { id } of all.stream(64)) ids.push(id);
  assert.deepEqual(
    ids,
    Array.from({ length: 1000 }, (_, index) => index + 1),
  );
  for (let round = 0; round < 40; round += 1)
    for await (const { id } of all.stream(10)) {
      assert.equal(id, 1);
      break;
    }
});
