import assert from 'node:assert/strict';
import { copyFile, rm, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { KEY, testStore } from '../../../test/fixtures/store.ts';
import { acceptRollback, DatabaseRolledBackError } from '../index.ts';

const YES = () => Promise.resolve(true);

test('an accepted older database opens, and copies of its former history are refused', async (t) => {
  const store = await testStore(t);
  const { file } = store;
  const write = async (count: number): Promise<void> => {
    const db = await store.open();
    await db.execute('CREATE TABLE IF NOT EXISTS t (a)');
    for (let index = 0; index < count; index += 1) await db.execute('INSERT INTO t VALUES (1)');
    await db.close();
  };
  await write(2);
  assert.equal((await acceptRollback({ file, key: KEY, confirm: YES })).state, 'in-order');
  await copyFile(file, `${file}.old`);
  await write(3);
  await copyFile(file, `${file}.newer`);
  await copyFile(`${file}.old`, file);
  const declined = await acceptRollback({ file, key: KEY, confirm: () => Promise.resolve(false) });
  assert.deepEqual([declined.state, declined.missing, declined.accepted], ['older', 4, false]);
  await assert.rejects(store.open(), DatabaseRolledBackError);
  assert.equal((await acceptRollback({ file, key: KEY, confirm: YES })).accepted, true);
  await write(1);
  for (const former of ['old', 'newer']) {
    await copyFile(`${file}.${former}`, file);
    await assert.rejects(store.open(), /before a restore/);
  }
});

test('a database without a head, or with a damaged one, is accepted on request', async (t) => {
  const store = await testStore(t);
  const { file } = store;
  await (await store.open()).close();
  for (const harm of [() => rm(`${file}.head`), () => writeFile(`${file}.head`, 'torn')]) {
    await harm();
    await assert.rejects(store.open());
    const { state, accepted } = await acceptRollback({ file, key: KEY, confirm: YES });
    assert.deepEqual([state, accepted], ['no-head', true]);
    await (await store.open()).close();
  }
});
