import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type TestStore, testStore } from '../../../test/fixtures/store.ts';
import { DatabaseRolledBackError } from '../index.ts';

const WRITER = fileURLToPath(new URL('../../../test/fixtures/writer-process.ts', import.meta.url));

async function write(store: TestStore, count: number): Promise<void> {
  const db = await store.open();
  await db.execute('CREATE TABLE IF NOT EXISTS t (a)');
  for (let index = 0; index < count; index += 1) await db.execute('INSERT INTO t VALUES (?)', [index]);
  await db.close();
}

async function refusal(store: TestStore): Promise<DatabaseRolledBackError> {
  const before = await readFile(store.file);
  const error = await store.open().then(
    () => assert.fail('it was opened'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof DatabaseRolledBackError, String(error));
  assert.ok(before.equals(await readFile(store.file)), 'the file is untouched');
  return error;
}

test('an older copy is detected with the number of missing commits', async (t) => {
  const store = await testStore(t);
  await write(store, 3);
  await copyFile(store.file, `${store.file}.old`);
  await write(store, 4);
  await copyFile(store.file, `${store.file}.newest`);
  await rename(`${store.file}.old`, store.file);
  const { missing, found, expected } = await refusal(store);
  assert.deepEqual([missing, found?.commits, expected.commits], [5, 4, 9]);
  // The newest copy is accepted.
  await rename(`${store.file}.newest`, store.file);
  await write(store, 1);
});

test('a failed commit is not counted in the head, and the next opening succeeds', async (t) => {
  const store = await testStore(t);
  const db = await store.open();
  await db.execute('CREATE TABLE parent (id INTEGER PRIMARY KEY)');
  await db.execute('CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)');
  // All its statements succeed, and only the commit fails.
  const failing = db.transaction((tx) => tx.execute('INSERT INTO child VALUES (1)'));
  await assert.rejects(failing, /FOREIGN KEY/);
  await db.close();
  await write(store, 1);
});

test('the database of another home with the same key is detected, even with more commits', async (t) => {
  const store = await testStore(t);
  const other = await testStore(t);
  await write(store, 1);
  await write(other, 5);
  await copyFile(other.file, store.file);
  const { message, missing } = await refusal(store);
  assert.match(message, /another database/);
  assert.equal(missing, undefined);
});

test('transactions without changes and rolled back ones do not count as commits', async (t) => {
  const store = await testStore(t);
  await write(store, 2);
  const commits = async (): Promise<unknown> => {
    const db = await store.open();
    const { rows } = await db.execute<{ commits: number }>('SELECT commits FROM _aico_head');
    await db.close();
    return rows[0]?.commits;
  };
  assert.equal(await commits(), 3);
  const db = await store.open();
  await db.transaction(async (tx) => void (await tx.execute('SELECT * FROM t')));
  await assert.rejects(
    db.transaction(async (tx) => {
      await tx.execute('INSERT INTO t VALUES (9)');
      throw new Error('undo it');
    }),
  );
  await db.transaction(async (tx) => void (await tx.execute('INSERT INTO t VALUES (10)')));
  await db.migrate('me', [{ id: '001', sql: 'CREATE TABLE u (a)' }]);
  await db.close();
  assert.equal(await commits(), 5);
});

test('after kill -9 a truncated log is detected exactly if it loses a commit', async (t) => {
  const store = await testStore(t);
  const child = spawn(process.execPath, [WRITER, store.file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  let lines = 0;
  for await (const _ of createInterface(child.stdout)) {
    lines += 1;
    if (lines === 100) child.kill('SIGKILL');
  }
  await exited;
  const log = await readFile(`${store.file}-wal`);
  const { size } = await stat(`${store.file}-wal`);
  assert.ok(size > 20_000);
  const frame = 4_096 + 24;
  const frames = Math.floor((size - 32) / frame);
  // A commit frame contains the size of the database. The last frame may be truncated after its header.
  const ends = Array.from({ length: frames }, (_, index) => index).filter(
    (index) => log.readUInt32BE(32 + index * frame + 4) > 0,
  );
  for (const part of [0, 1, Math.floor((ends.at(-1) ?? 0) / 2), ends.at(-2) ?? 0]) {
    await truncate(`${store.file}-wal`, part === 0 ? 0 : 32 + part * frame);
    await rm(`${store.file}-shm`, { force: true });
    const { missing, expected, found } = await refusal(store);
    if (found?.epoch === expected.epoch) assert.ok((missing ?? 0) >= 1);
    await writeFile(`${store.file}-wal`, log);
  }
  const damaged = Buffer.from(log);
  const middle = 32 + Math.floor(frames / 3) * frame + 1_000;
  damaged.writeUInt8(damaged.readUInt8(middle) ^ 1, middle);
  await writeFile(`${store.file}-wal`, damaged);
  await rm(`${store.file}-shm`, { force: true });
  await refusal(store);
  await writeFile(`${store.file}-wal`, log);
  await rm(`${store.file}-shm`, { force: true });
  const db = await store.open();
  assert.ok(((await db.execute<{ n: number }>('SELECT count(*) AS n FROM kept')).fetchOne()?.n ?? 0) >= 100);
});
