import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { test } from 'node:test';
import { testStore } from '../../../test/fixtures/store.ts';
import type { EncryptedDatabase } from '../encrypted-database.ts';

const MIB = 1024 * 1024;

async function fill(database: EncryptedDatabase, rows: number): Promise<void> {
  await database.transaction(async (tx) => {
    for (let n = 0; n < rows; n += 1) await tx.execute('INSERT INTO page VALUES (zeroblob(262144))');
  });
}

const MIGRATIONS = [{ id: '001', sql: 'CREATE TABLE page (content BLOB) STRICT' }];

test('a vacuum leaves a small file and an empty write-ahead log', async (t) => {
  const store = await testStore(t);
  const database = await store.open();
  await database.migrate('test', MIGRATIONS);
  await fill(database, 160);
  await database.execute('DELETE FROM page WHERE rowid % 2 = 0');
  await database.vacuum();
  assert.ok((await stat(store.file)).size < 25 * MIB);
  assert.equal((await stat(`${store.file}-wal`)).size, 0);
});

test('the space of deleted rows is returned in steps, but for a part that the next rows take', async (t) => {
  const store = await testStore(t);
  const database = await store.open();
  await database.migrate('test', MIGRATIONS);
  await fill(database, 160);
  await database.execute('DELETE FROM page WHERE rowid % 8 > 0');
  const others: Promise<unknown>[] = [];
  const reclaimed = database.reclaim();
  for (let n = 0; n < 20; n += 1) others.push(database.execute('INSERT INTO page VALUES (zeroblob(1))'));
  await Promise.all([reclaimed, ...others]);
  await database.reclaim();
  assert.ok((await stat(store.file)).size < 7 * MIB, `${(await stat(store.file)).size}`);
  const { rows } = await database.execute('SELECT count(*) AS n, sum(length(content)) AS bytes FROM page');
  assert.deepEqual(rows, [{ n: 40, bytes: 20 * 262_144 + 20 }]);
});

test('a vacuum beside an open reader completes, and the log is truncated when the reader ends', async (t) => {
  const store = await testStore(t);
  const database = await store.open();
  await database.migrate('test', MIGRATIONS);
  await fill(database, 120);
  const reader = database.stream('SELECT content FROM page')[Symbol.asyncIterator]();
  await reader.next();
  await database.vacuum();
  assert.ok((await stat(`${store.file}-wal`)).size > 20 * MIB);
  await reader.return?.();
  await database.vacuum();
  assert.equal((await stat(`${store.file}-wal`)).size, 0);
});

test('a long transaction does not make the log long permanently', async (t) => {
  const store = await testStore(t);
  const database = await store.open();
  await database.migrate('test', MIGRATIONS);
  await fill(database, 160);
  assert.ok((await stat(`${store.file}-wal`)).size > 40 * MIB);
  for (let n = 0; n < 100; n += 1) await database.execute('INSERT INTO page VALUES (NULL)');
  assert.ok((await stat(`${store.file}-wal`)).size <= 16 * MIB);
});
