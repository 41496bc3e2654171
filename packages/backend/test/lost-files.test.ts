import assert from 'node:assert/strict';
import { copyFile, rename, rm, truncate } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createTestBackend, localRequest, type TestBackend } from '@aico/backend/testing';

/** One second, with a margin for a busy machine. */
const NOTICED_WITHIN_MS = 5_000;

const LOSSES: readonly (readonly [what: string, lose: (backend: TestBackend) => Promise<unknown>])[] = [
  ['the database is removed', ({ paths }) => rm(paths.databaseFile)],
  [
    'the database is replaced by a copy of itself',
    async ({ paths }) => {
      await copyFile(paths.databaseFile, `${paths.databaseFile}.copy`);
      await rename(`${paths.databaseFile}.copy`, paths.databaseFile);
    },
  ],
  ['the write-ahead log is removed', ({ paths }) => rm(`${paths.databaseFile}-wal`)],
  ['the head of the database is removed', ({ paths }) => rm(`${paths.databaseFile}.head`)],
  ['the head of the database is emptied', ({ paths }) => truncate(`${paths.databaseFile}.head`)],
  ['the key slots are removed', ({ paths }) => rm(paths.keySlotsFile)],
  [
    'the key slots are replaced by those of another home',
    async ({ paths }) => {
      const other = await createTestBackend();
      try {
        await copyFile(other.paths.keySlotsFile, paths.keySlotsFile);
      } finally {
        await other.stop();
      }
    },
  ],
  ['the lock file is removed', ({ paths }) => rm(paths.lockFile)],
  [
    'the lock file is replaced',
    async ({ paths }) => {
      await copyFile(paths.lockFile, `${paths.lockFile}.copy`);
      await rename(`${paths.lockFile}.copy`, paths.lockFile);
    },
  ],
];

describe('losing a file of a running home', () => {
  for (const [what, lose] of LOSSES)
    test(`${what}: no write is acknowledged any more, and health says so`, async (t) => {
      const backend = await createTestBackend();
      t.after(() => backend.stop());
      const database = backend.container.getService('database');
      const waiting = database.transaction(() => new Promise<never>(() => undefined));
      waiting.catch(() => undefined);
      await lose(backend);
      const lostAt = performance.now();
      while (database.state.kind === 'ready') {
        assert.ok(performance.now() - lostAt < NOTICED_WITHIN_MS, 'it was not noticed');
        await nextTurn();
      }
      await assert.rejects(waiting, { code: 'AICO_DATA_LOST' });
      await assert.rejects(database.execute('CREATE TABLE lost (x)'), { code: 'AICO_DATA_LOST' });
      const health = await localRequest(backend.socket, '/api/v1/health');
      assert.equal(health.status, 503);
      assert.match(health.text, /was (?:removed|replaced)|is missing or empty|-wal/);
    });

  test('a change of the password replaces the slots, and is not a loss', async (t) => {
    const backend = await createTestBackend();
    t.after(() => backend.stop());
    const keys = backend.container.getService('key_manager');
    await keys.addPassword('correct horse battery staple of the morning');
    const until = performance.now() + 1_500;
    const database = backend.container.getService('database');
    // Longer than it takes to notice a loss.
    while (performance.now() < until) await nextTurn();
    assert.equal(database.state.kind, 'ready');
  });
});
