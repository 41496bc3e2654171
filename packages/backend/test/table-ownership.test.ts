import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createTestBackend } from '@aico/backend/testing';
import { EncryptedDatabase, migrationText } from '@aico/shared/data';
import type { FastifyRequest } from 'fastify';
import { RESERVED, refuseReservedName } from '../src/composition/reserved-names.ts';
import type {} from './fixtures/curious.ts';
import type {} from './fixtures/diary.ts';

const plugin = (name: string) => fileURLToPath(new URL(`./fixtures/${name}.ts`, import.meta.url));

test('a plugin gets a database view under its own name: tables of others as declared, those of the backend not at all', async (t) => {
  const backend = await createTestBackend({ plugins: [plugin('diary'), plugin('curious')] });
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

test('every transaction that a plugin is given is restricted to its own name', async (t) => {
  const backend = await createTestBackend({ plugins: [plugin('diary'), plugin('curious')] });
  t.after(() => backend.stop());
  const { idempotency } = backend.container.getService('curious');
  const request = { headers: {}, method: 'POST', url: '/', principal: { id: 'phone' } };
  for (const headers of [{}, { 'idempotency-key': 'k1' }])
    for (const statement of [
      'SELECT * FROM device',
      'DELETE FROM page',
      "UPDATE '_aico_objects' SET owner = 'curious'",
    ])
      await assert.rejects(
        // The service uses these properties of a request only.
        idempotency.run({ ...request, headers } as unknown as FastifyRequest, (tx) => tx.execute(statement)),
        { name: 'TableNotOwnedError' },
        statement,
      );
});

test('every owner and table of the backend itself is reserved, and its migrations would be accepted from a plugin', async (t) => {
  const { mock } = t.mock.method(EncryptedDatabase.prototype, 'migrate');
  const backend = await createTestBackend({ plugins: [plugin('diary')] });
  t.after(() => backend.stop());
  const database = backend.container.getService('database');
  const { rows } = await database.execute<{ name: string; owner: string }>(
    "SELECT name, owner FROM _aico_objects WHERE owner <> 'diary'",
  );
  assert.ok(rows.length > 5);
  for (const { name, owner } of rows) {
    assert.ok(RESERVED.tables.includes(name), `${name} is not among the reserved tables`);
    assert.ok(RESERVED.owners.includes(owner), `${owner} is not among the reserved owners`);
  }
  const { rows: owners } = await database.execute<{ owner: string }>(
    "SELECT DISTINCT owner FROM _aico_migrations WHERE owner <> 'diary'",
  );
  for (const { owner } of owners) assert.ok(RESERVED.owners.includes(owner), `${owner} is not reserved`);
  assert.throws(() => refuseReservedName('Devices'), { name: 'OwnerReservedError' });

  // A start does not check the objects of the backend itself: that each works and uses tables of its owner only.
  const folder = await mkdtemp(path.join(tmpdir(), 'aico-tables-'));
  const unreserved = await EncryptedDatabase.open({
    file: path.join(folder, 'aico.db'),
    key: new Uint8Array(32).fill(7),
  });
  t.after(async () => {
    await unreserved.close();
    await rm(folder, { recursive: true, force: true });
  });
  const own = mock.calls.map(({ arguments: [owner, migrations] }) => ({ owner, migrations }));
  assert.deepEqual(own.map(({ owner }) => owner).sort(), owners.map(({ owner }) => owner).sort());
  for (const { owner, migrations } of own) {
    // Only the backend itself may set counters of AUTOINCREMENT.
    const unprivileged = migrations.map((migration) => ({
      id: migration.id,
      sql: migrationText(migration, 'sqlite').replaceAll(SETS_COUNTER, ''),
    }));
    await unreserved.ownedBy(owner).migrate(owner, unprivileged);
  }
});

const SETS_COUNTER = /(?:DELETE FROM|INSERT INTO) sqlite_sequence[^;]*;/g;
