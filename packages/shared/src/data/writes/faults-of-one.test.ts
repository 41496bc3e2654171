import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testStore } from '../../../test/fixtures/store.ts';
import { type EncryptedDatabase, MigrationFailedError, StatementFailedError } from '../index.ts';

const MIGRATIONS = [
  {
    id: '001',
    sql: `CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL);
      INSERT INTO counted VALUES (9223372036854775807, '');
      CREATE TABLE own (id INTEGER PRIMARY KEY, text TEXT);
      CREATE VIRTUAL TABLE words USING fts5 (text, content = 'own', content_rowid = 'id')`,
  },
];
const COUNTED_OUT = "INSERT INTO counted (text) VALUES ('one more')";
const CORRUPT = "INSERT INTO words (words, rowid, text) VALUES ('delete', 7, 'never was')";

async function openBoth(t: Parameters<typeof testStore>[0]) {
  const root = await (await testStore(t)).open();
  await root.migrate('innocent', [{ id: '001', sql: 'CREATE TABLE kept (n INTEGER PRIMARY KEY)' }]);
  const faulty = root.ownedBy('faulty');
  await faulty.migrate('faulty', MIGRATIONS);
  return { root, faulty };
}

/** Sends forty writes of other owners in the same turn as `fault`, which must fail with an error of its statement. */
async function besides(root: EncryptedDatabase, first: number, fault: () => Promise<unknown>): Promise<void> {
  const innocent = root.ownedBy('innocent');
  const write = (n: number) => innocent.execute('INSERT INTO kept VALUES (?)', [n]);
  const writes = [];
  for (let n = 0; n < 20; n += 1) writes.push(write(first + n));
  const failing = assert.rejects(fault(), (error: unknown) => {
    const own = error instanceof MigrationFailedError ? error.cause : error;
    assert.ok(own instanceof StatementFailedError, String(error));
    return true;
  });
  for (let n = 20; n < 40; n += 1) writes.push(write(first + n));
  await Promise.all(writes);
  await failing;
  assert.deepEqual(root.state, { kind: 'ready' });
  await write(first + 40);
}

for (const [what, sql] of [
  ['a table that has used up its AUTOINCREMENT numbers', COUNTED_OUT],
  ['a virtual table whose content is corrupt', CORRUPT],
] as const)
  test(`${what} fails only the statement that caused it`, async (t) => {
    const { root, faulty } = await openBoth(t);
    await besides(root, 0, () => faulty.execute(sql));
    await besides(root, 100, () => faulty.transaction((tx) => tx.execute(sql)));
    await besides(root, 200, () =>
      faulty.transaction(async (tx) => {
        await tx.transaction((nested) => nested.execute(sql));
      }),
    );
    await besides(root, 300, () => faulty.migrate('faulty', [...MIGRATIONS, { id: '002', sql }]));
    const { rows } = await root.execute<{ n: number }>('SELECT count(*) AS n FROM kept');
    assert.equal(rows[0]?.n, 4 * 41);
  });

test('a transaction that continues after such a failure commits its other changes', async (t) => {
  const { root, faulty } = await openBoth(t);
  // SQLite rolls back only this statement, not the transaction.
  const several = "INSERT INTO counted (text) SELECT 'a' UNION ALL SELECT 'b'";
  await faulty.transaction(async (tx) => {
    await assert.rejects(tx.execute(several), StatementFailedError);
    await tx.execute("INSERT INTO own (id, text) VALUES (1, 'kept')");
  });
  assert.equal((await faulty.execute('SELECT * FROM own')).rows.length, 1);
  assert.deepEqual(root.state, { kind: 'ready' });
});
