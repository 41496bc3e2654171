import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { testStore } from '../../../test/fixtures/store.ts';
import { MigrationFailedError, StatementRefusedError, TableNotOwnedError } from '../index.ts';

const DIARY = [
  {
    id: '001',
    sql: `CREATE TABLE entry (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
      CREATE INDEX entry_text ON entry (text);
      CREATE VIEW recent AS SELECT text FROM entry ORDER BY id DESC;
      CREATE VIRTUAL TABLE entry_found USING fts5 (text);
      CREATE TABLE log (text TEXT);
      CREATE TRIGGER kept_found AFTER INSERT ON entry BEGIN INSERT INTO entry_found VALUES (new.text); END;
      INSERT INTO entry (text) VALUES ('canary');`,
  },
];
const OTHER = [{ id: '001', sql: 'CREATE TABLE own (id INTEGER PRIMARY KEY, text TEXT)' }];

async function openDiary(t: TestContext) {
  const root = await (await testStore(t)).open();
  const diary = root.ownedBy('diary');
  await diary.migrate('diary', DIARY);
  const other = root.ownedBy('other');
  await other.migrate('other', OTHER);
  return { root, diary, other };
}

const READS = [
  'SELECT * FROM entry',
  'SELECT text FROM ENTRY WHERE text > ?',
  'SELECT count(*) FROM "entry"',
  'SELECT * FROM recent',
  'WITH x AS (SELECT * FROM entry) SELECT * FROM x',
  'SELECT 1 WHERE EXISTS (SELECT 1 FROM own JOIN entry)',
  'INSERT INTO own (text) SELECT text FROM entry',
  "SELECT * FROM entry_found WHERE entry_found MATCH 'canary'",
  "SELECT * FROM 'entry_found'",
  'SELECT * FROM entry_found_content',
];
const WRITES = [
  "INSERT INTO entry (text) VALUES ('x')",
  'UPDATE entry SET text = 1',
  'DELETE FROM entry',
  "WITH x AS (SELECT 'x' AS t) INSERT INTO entry (text) SELECT t FROM x",
  "REPLACE INTO log VALUES ('x')",
  "INSERT INTO entry_found VALUES ('x')",
];
const paramsOf = (sql: string): string[] => (sql.includes('?') ? ['a'] : []);

describe("another owner's tables", () => {
  test('are neither read nor written by any kind of statement', async (t) => {
    const { root, diary, other } = await openDiary(t);
    for (const sql of [...READS, ...WRITES]) {
      const refused = (error: unknown): boolean => {
        assert.ok(error instanceof TableNotOwnedError, `${sql}: ${String(error)}`);
        assert.equal(error.owner, 'other');
        assert.equal(error.tableOwner, 'diary');
        return true;
      };
      const params = paramsOf(sql);
      for (let again = 0; again < 2; again += 1) await assert.rejects(other.execute(sql, params), refused);
      await assert.rejects(
        other.transaction((tx) => tx.transaction((nested) => nested.execute(sql, params))),
        refused,
      );
      await assert.rejects(
        async () => {
          for await (const _ of other.stream(sql, params));
        },
        (error) => error instanceof StatementRefusedError || refused(error),
      );
    }
    const open = await other.begin();
    await assert.rejects(open.execute('DELETE FROM entry'), TableNotOwnedError);
    await open.rollback();
    assert.deepEqual((await diary.execute('SELECT text FROM entry')).rows, [{ text: 'canary' }]);
    assert.deepEqual((await root.execute('SELECT text FROM entry')).rows, [{ text: 'canary' }]);
    assert.equal((await other.execute('SELECT name FROM sqlite_schema')).rows.length > 5, true);
  });

  test('can be read or written as declared', async (t) => {
    const { root } = await openDiary(t);
    const reader = root.ownedBy('reader', { reads: ['diary', 'other'] });
    const writer = root.ownedBy('writer', { writes: ['diary', 'other'] });
    for (const sql of READS) await writer.execute(sql, paramsOf(sql));
    for (const sql of READS.filter((each) => each.startsWith('SELECT')))
      await reader.execute(sql, paramsOf(sql));
    for (const sql of WRITES) {
      await assert.rejects(reader.execute(sql), TableNotOwnedError);
      await writer.execute(sql);
    }
    await assert.rejects(
      reader.transaction((tx) => tx.execute('DELETE FROM entry')),
      /reader may not write entry, which belongs to diary/,
    );
  });

  test('cannot be used by a migration', async (t) => {
    const { root, diary, other } = await openDiary(t);
    const schema = async () =>
      (await root.execute('SELECT type, name, sql FROM sqlite_schema ORDER BY name')).rows;
    const before = await schema();
    for (const sql of [
      'DROP TABLE entry',
      'DROP TABLE entry_found',
      'DROP INDEX entry_text',
      'DROP VIEW recent',
      'DROP TRIGGER kept_found',
      'ALTER TABLE entry RENAME TO mine',
      'ALTER TABLE entry ADD COLUMN mine',
      'ALTER TABLE log RENAME COLUMN text TO mine',
      'CREATE INDEX mine ON log (text)',
      'CREATE TRIGGER mine AFTER INSERT ON log BEGIN DELETE FROM own; END',
      'CREATE TRIGGER mine INSTEAD OF INSERT ON recent BEGIN DELETE FROM own; END',
      'CREATE TABLE mine AS SELECT * FROM entry',
      'CREATE TABLE mine (id INTEGER REFERENCES entry)',
      'CREATE TABLE mine (id INTEGER, FOREIGN KEY (id) REFERENCES "entry" (id) ON DELETE CASCADE)',
      "CREATE VIRTUAL TABLE mine USING fts5 (text, content = 'entry')",
      "CREATE VIRTUAL TABLE mine USING fts5vocab ('entry_found', 'row')",
      'DELETE FROM entry',
      'INSERT INTO own (text) SELECT text FROM entry',
      'CREATE TABLE mine (id); DROP TABLE log; CREATE TABLE log (text TEXT)',
    ])
      await assert.rejects(other.migrate('other', [...OTHER, { id: '002', sql }]), (error) => {
        assert.ok(error instanceof MigrationFailedError, sql);
        // Programs do not contain the reads of a virtual table, so its arguments are checked.
        const Refusal = sql.startsWith('CREATE VIRTUAL') ? StatementRefusedError : TableNotOwnedError;
        assert.ok(error.cause instanceof Refusal, `${sql}: ${String(error.cause)}`);
        return true;
      });
    assert.deepEqual(await schema(), before);
    await assert.rejects(other.migrate('diary', DIARY), TableNotOwnedError);
    await diary.migrate('diary', [...DIARY, { id: '002', sql: 'ALTER TABLE log ADD COLUMN at INTEGER' }]);
  });
});

test('the record of owners follows the schema when a migration fails and when tables are renamed or dropped', async (t) => {
  const { root, diary, other } = await openDiary(t);
  const owners = async () =>
    (
      await root.execute<{ name: string; owner: string }>(
        "SELECT name, owner FROM _aico_objects WHERE name LIKE 'moved%' OR name LIKE 'shared%' ORDER BY name",
      )
    ).rows.map(({ name, owner }) => `${name} ${owner}`);
  await assert.rejects(
    other.migrate('other', [...OTHER, { id: '002', sql: 'CREATE TABLE shared (x); CREATE TABLE own (x)' }]),
    MigrationFailedError,
  );
  assert.deepEqual(await owners(), []);
  const made = [...DIARY, { id: '002', sql: 'CREATE TABLE shared (x); ALTER TABLE log RENAME TO moved' }];
  await diary.migrate('diary', made);
  assert.deepEqual(await owners(), ['moved diary', 'shared diary']);
  await assert.rejects(other.execute('SELECT * FROM moved'), TableNotOwnedError);
  await diary.migrate('diary', [
    ...made,
    { id: '003', sql: 'DROP TABLE shared; ALTER TABLE entry_found RENAME TO moved_found' },
  ]);
  assert.deepEqual(
    (await owners()).filter((each) => !each.includes('found_')),
    ['moved diary', 'moved_found diary'],
  );
  await other.migrate('other', [...OTHER, { id: '002', sql: 'CREATE TABLE shared (x)' }]);
  await other.execute('INSERT INTO shared VALUES (1)');
  await assert.rejects(
    diary.execute('SELECT * FROM shared'),
    /diary may not read shared, which belongs to other/,
  );
});

test('a migration may add a NOT NULL column, but may not use quick_check itself', async (t) => {
  const { other } = await openDiary(t);
  const added = { id: '002', sql: "ALTER TABLE own ADD COLUMN kind TEXT NOT NULL DEFAULT 'plain'" };
  await other.migrate('other', [...OTHER, added]);
  const check = "CREATE TABLE found AS SELECT * FROM pragma_quick_check('entry')";
  await assert.rejects(
    other.migrate('other', [...OTHER, added, { id: '003', sql: check }]),
    MigrationFailedError,
  );
  await assert.rejects(
    other.migrate('other', [
      ...OTHER,
      added,
      { id: '003', sql: 'ALTER TABLE entry ADD COLUMN a NOT NULL DEFAULT 1' },
    ]),
    /other may not change entry, which belongs to diary/,
  );
});
