import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startTestBackend } from '@aico/backend/testing';
import type {} from './fixtures/curious.ts';
import type {} from './fixtures/diary.ts';

const plugin = (name: string) => fileURLToPath(new URL(`./fixtures/${name}.ts`, import.meta.url));

test('a plugin gets the database in its own name: others’ tables as declared, the house’s not at all', async (t) => {
  const backend = await startTestBackend({ plugins: [plugin('diary'), plugin('curious')] });
  t.after(() => backend.stop());
  const { database } = backend.container.getService('curious');
  const { rows } = await database.execute('SELECT text FROM page');
  assert.deepEqual(rows, [{ text: 'dear diary' }]);
  for (const statement of [
    "INSERT INTO page VALUES ('me too')",
    'DELETE FROM page',
    'SELECT * FROM logs',
    'SELECT * FROM idempotency',
  ])
    await assert.rejects(database.execute(statement), { name: 'TableNotOwnedError' }, statement);
  await assert.rejects(database.migrate('diary', []), { name: 'TableNotOwnedError' });
});
