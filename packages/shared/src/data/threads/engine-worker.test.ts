import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KEY, testStore } from '../../../test/fixtures/store.ts';
import { EncryptedDatabase, EngineCrashedError } from '../index.ts';
import { startEngineWorker } from './engine-worker.ts';

test('a worker that was started ahead serves the writer of the database that is opened with it', async (t) => {
  const { file } = await testStore(t);
  const engineWorker = startEngineWorker('writer');
  const db = await EncryptedDatabase.open({ file, key: KEY, engineWorker });
  await db.execute('SELECT 1');
  await db.close();
  // The writer's thread ended with the database.
  await engineWorker.exited;
});

test('a worker that ended before its database was opened fails the opening', {
  timeout: 60_000,
}, async (t) => {
  const { file } = await testStore(t);
  const broken = new URL("data:text/javascript,throw new Error('the addon cannot be loaded')");
  const engineWorker = startEngineWorker('writer', broken);
  await engineWorker.exited;
  await assert.rejects(
    EncryptedDatabase.open({ file, key: KEY, engineWorker }),
    (error: unknown) =>
      error instanceof EngineCrashedError &&
      error.cause instanceof Error &&
      error.cause.message === 'the addon cannot be loaded',
  );
});
