import assert from 'node:assert/strict';
import { test } from 'node:test';
import { standIn } from './stand-in.ts';

test('a stand-in has the given members, and access to any other is an error that names it', async () => {
  const database = standIn('database', { execute: async (sql) => ({ rows: [{ sql }] }) });
  assert.deepEqual((await database.execute('SELECT 1')).rows, [{ sql: 'SELECT 1' }]);
  assert.throws(
    () => database.transaction(async () => 1),
    /has no "transaction": give it to standIn\('database', \{ transaction/,
  );
  // A stand-in is no promise, and can be printed.
  assert.equal(await database, database);
});

test('members have the types of the service', () => {
  // @ts-expect-error the service has no such member
  standIn('database', { exec: async () => ({ rows: [] }) });
  // @ts-expect-error rows are an array
  standIn('database', { execute: async () => ({ rows: 1 }) });
  // @ts-expect-error no service has this name
  standIn('databse', {});
});
