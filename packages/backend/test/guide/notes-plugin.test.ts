import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createTestBackend, pluginSuite, type TestBackend, TestClock } from '@aico/backend/testing';

const PLUGIN = fileURLToPath(new URL('./notes-plugin.ts', import.meta.url));

const add = (backend: TestBackend, text: string) =>
  backend.request('/api/v1/notes', { method: 'POST', body: { text } });

test('a note is counted, also when the first count fails, and is deleted after its time', async () => {
  const clock = new TestClock('2026-01-01T12:00:00Z');
  await using backend = await createTestBackend({
    plugins: [PLUGIN],
    config: { 'plugins.notes.keep_days': 30 },
    clock,
  });
  // The consumer's transaction fails, and the message is delivered again after a wait.
  backend.faults.database.failNextWrite(1, 'notes');
  assert.equal((await add(backend, 'four words in all')).status, 200);
  await backend.whenIdle();
  await clock.advance(1_000);
  await backend.whenIdle();
  const words = await backend.request('/api/v1/notes/words');
  assert.deepEqual(words.json(), { rows: [{ note: 1, words: 4 }] });

  assert.equal((await backend.request('/api/v1/notes/1')).status, 200);
  await clock.skip(31 * 86_400_000);
  assert.equal((await backend.request('/api/v1/notes/1')).status, 404);
});

test('a full disk is reported to the caller, and the plugin works again when there is room', async () => {
  await using backend = await createTestBackend({ plugins: [PLUGIN] });
  backend.faults.disk.fill();
  assert.equal((await add(backend, 'lost')).status, 507);
  backend.faults.disk.free();
  while ((await add(backend, 'kept')).status === 507);
});

pluginSuite(PLUGIN, { use: (backend) => add(backend, 'four words in all') });
