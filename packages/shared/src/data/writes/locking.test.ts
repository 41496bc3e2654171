import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testStore } from '../../../test/fixtures/store.ts';
import { DatabaseBusyError } from '../index.ts';

const HOLDER = fileURLToPath(new URL('../../../test/fixtures/lock-holder-process.ts', import.meta.url));

/** Starts a process that takes the write lock. @returns a function that makes it commit and end */
async function holdLock(t: TestContext, file: string): Promise<() => Promise<void>> {
  const child = spawn(process.execPath, [HOLDER, file], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  await once(child.stdout, 'data');
  return async () => {
    child.stdin.end();
    assert.deepEqual(await exited, [0, null]);
  };
}

test('while another process has the lock, writes are refused as busy and reads continue', async (t) => {
  const store = await testStore(t);
  const database = await store.open({ busyTimeoutMs: 20 });
  await database.execute('CREATE TABLE kept (n INTEGER)');
  await database.execute('INSERT INTO kept VALUES (1)');
  const letGo = await holdLock(t, store.file);
  const group = await Promise.allSettled(
    [2, 3, 4].map((n) => database.execute('INSERT INTO kept VALUES (?)', [n])),
  );
  for (const outcome of group)
    assert.ok(outcome.status === 'rejected' && outcome.reason instanceof DatabaseBusyError);
  await assert.rejects(
    database.transaction((tx) => tx.execute('DELETE FROM kept')),
    DatabaseBusyError,
  );
  const read = 'SELECT n FROM kept ORDER BY n';
  assert.deepEqual((await database.execute(read)).rows, [{ n: 1 }]);
  await database.transaction(async (tx) => assert.deepEqual((await tx.execute(read)).rows, [{ n: 1 }]), {
    readOnly: true,
  });
  assert.equal(database.state.kind, 'ready');
  await letGo();
  await database.execute('INSERT INTO kept VALUES (5)');
  assert.deepEqual((await database.execute(read)).rows, [{ n: 1 }, { n: 5 }, { n: 1000 }]);
});

test('a write waits for another process that releases the lock in time', async (t) => {
  const store = await testStore(t);
  const database = await store.open({ busyTimeoutMs: 30_000 });
  await database.execute('CREATE TABLE kept (n INTEGER)');
  const letGo = await holdLock(t, store.file);
  const write = database.execute('INSERT INTO kept VALUES (2)');
  await letGo();
  await write;
  assert.deepEqual((await database.execute('SELECT n FROM kept ORDER BY n')).rows, [{ n: 2 }, { n: 1000 }]);
});

test('an open read-only transaction blocks no writes and does not see them', async (t) => {
  const database = await (await testStore(t)).open();
  await database.execute('CREATE TABLE kept (n INTEGER)');
  const view = await database.begin({ readOnly: true });
  for (let n = 0; n < 50; n += 1)
    await database.transaction((tx) => tx.execute('INSERT INTO kept VALUES (?)', [n]));
  assert.deepEqual((await view.execute('SELECT count(*) AS n FROM kept')).rows, [{ n: 0 }]);
  await view.commit();
  assert.deepEqual((await database.execute('SELECT count(*) AS n FROM kept')).rows, [{ n: 50 }]);
});
