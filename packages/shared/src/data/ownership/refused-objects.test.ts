import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testStore } from '../../../test/fixtures/store.ts';
import {
  MigrationFailedError,
  OwnerReservedError,
  StatementRefusedError,
  TableNotOwnedError,
} from '../index.ts';

const SECRET = [
  {
    id: '001',
    sql: `CREATE TABLE secret (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT UNIQUE);
      CREATE VIRTUAL TABLE secret_found USING fts5 (text);
      CREATE VIRTUAL TABLE secret_place USING rtree (id, low, high);
      CREATE TABLE plain_docsize (text); CREATE TABLE plain_content (text);
      CREATE VIRTUAL TABLE bare USING fts5 (text, content = '', columnsize = 0);
      INSERT INTO secret (text) VALUES ('canary')`,
  },
];
const OWN = [
  {
    id: '001',
    sql: `CREATE TABLE own (id INTEGER PRIMARY KEY, text TEXT);
      CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT);
      CREATE VIRTUAL TABLE own_found USING fts5 (text, content = 'own', content_rowid = "id")`,
  },
];

async function openBoth(t: Parameters<typeof testStore>[0]) {
  const store = await testStore(t);
  const root = await store.open({ reserved: { owners: ['devices'], tables: ['device'] } });
  const secret = root.ownedBy('secret');
  await secret.migrate('secret', SECRET);
  const own = root.ownedBy('own');
  await own.migrate('own', OWN);
  return { root, secret, own };
}

/** Valid SQL that would create an object which uses or restricts tables of another owner. */
const MIGRATIONS = [
  // Views, triggers and foreign keys must compile and refer to tables of their owner only.
  'CREATE VIEW window AS SELECT * FROM secret',
  'CREATE VIEW window AS SELECT * FROM secret_found',
  'CREATE VIEW broken AS SELECT * FROM nothing_yet',
  'CREATE TRIGGER way AFTER INSERT ON own BEGIN DELETE FROM secret; END',
  'CREATE TRIGGER way AFTER UPDATE OF text ON own BEGIN SELECT * FROM nothing_yet; END',
  'CREATE VIEW window AS SELECT 1 AS a; CREATE TRIGGER way INSTEAD OF INSERT ON window BEGIN DELETE FROM secret; END',
  'CREATE TABLE mine (id INTEGER REFERENCES/**/secret)',
  "CREATE TABLE mine (id INTEGER REFERENCES 'secret')",
  'CREATE TABLE mine (id INTEGER REFERENCES nothing_yet)',
  'CREATE TABLE mine (text REFERENCES [SECRET] (text) ON DELETE CASCADE)',
  'ALTER TABLE own ADD COLUMN more REFERENCES secret (id)',
  // Virtual tables read tables with statements of their own.
  "CREATE VIRTUAL TABLE mine USING fts5 (text, content = 'secret')",
  "CREATE VIRTUAL TABLE mine USING fts5 (text, content/**/= 'secret')",
  "CREATE VIRTUAL TABLE mine USING fts5 (text, cont = 'secret')",
  'CREATE VIRTUAL TABLE mine USING fts5 (text, c = secret, tokenize = "unicode61 tokenchars \'--\'")',
  'CREATE VIRTUAL TABLE mine USING fts5 (text, content = "secret")',
  'CREATE VIRTUAL TABLE mine USING fts5 (text, CONTENT = [secret])',
  "CREATE VIEW behind AS SELECT id, text FROM own; CREATE VIRTUAL TABLE mine USING fts5 (text, content = 'behind')",
  "CREATE VIRTUAL TABLE mine USING fts5vocab ('secret_found', 'row')",
  'CREATE VIRTUAL TABLE mine USING fts5vocab (main, secret_found, instance)',
  'CREATE VIRTUAL TABLE mine USING fts4 (text)',
  'CREATE VIRTUAL TABLE mine USING fts4aux (secret_found)',
  'CREATE VIRTUAL TABLE mine USING dbstat',
  // With these names SQLite would consider the other owner's table a shadow table and refuse writes to it.
  'CREATE VIRTUAL TABLE plain USING fts5 (a, columnsize = 0)',
  "CREATE VIRTUAL TABLE PLAIN USING fts5 (a, content = '')",
  'CREATE TABLE bare_docsize (text)',
  'CREATE TABLE Bare_Content (text)',
  'ALTER TABLE own RENAME TO own_no_more',
  // Temporary objects would hide tables of the same name on the connection that writes.
  'CREATE TEMP TABLE secret (text)',
  'CREATE TABLE temp.secret (id INTEGER PRIMARY KEY, text)',
  "CREATE TABLE 'temp'.secret (text)",
  'CREATE VIEW temp.secret AS SELECT 1',
  'CREATE TRIGGER temp.way AFTER INSERT ON own BEGIN SELECT 1; END',
  'CREATE VIRTUAL TABLE temp.secret USING fts5 (text)',
  // The record of owners, the counters, the statistics, and reserved names.
  "UPDATE '_aico_objects' SET owner = 'own'",
  'DROP TABLE "_aico_migrations"',
  'ALTER TABLE `_aico_objects` RENAME TO mine',
  'CREATE TABLE _aico_mine (text)',
  'CREATE TABLE json_each (text)',
  'CREATE TABLE Device (text)',
  "UPDATE sqlite_sequence SET seq = 9223372036854775807 WHERE name = 'secret'",
  "DELETE FROM 'sqlite_sequence'",
  'CREATE VIEW counters AS SELECT * FROM sqlite_sequence',
  'ANALYZE',
  'ANALYZE secret',
  'REINDEX',
  "INSERT INTO own (text) SELECT quick_check FROM pragma_quick_check('secret')",
  "INSERT INTO own (text) SELECT load_extension('x')",
  "INSERT INTO own (text) SELECT rtreecheck('secret_place')",
  'CREATE TRIGGER later AFTER INSERT ON own BEGIN SELECT load_extension(new.text); END',
  'DROP TABLE secret_found',
  'DROP TABLE secret',
  'CREATE TABLE mine (text); COMMIT; DROP TABLE secret',
  // References that SQLite omits from programs because they cannot affect the result, and resolves when any table is renamed.
  'CREATE VIEW mine AS SELECT 1 WHERE 0 AND EXISTS (SELECT 1 FROM missing)',
  'CREATE VIEW mine AS SELECT 1 WHERE 0 AND EXISTS (SELECT 1 FROM secret)',
  'CREATE VIEW mine AS SELECT 0 AND missing FROM own',
  'CREATE TRIGGER mine AFTER INSERT ON own WHEN 0 AND new.missing BEGIN SELECT 1; END',
  'CREATE TRIGGER mine AFTER INSERT ON own BEGIN SELECT 1 WHERE 0 AND EXISTS (SELECT 1 FROM missing); END',
  'CREATE INDEX mine ON own (text) WHERE 0 AND missing',
  'CREATE TABLE mine (a, CHECK (0 AND missing))',
  'CREATE TABLE mine (a, b AS (0 AND missing))',
];

test('a migration cannot create objects that use or restrict tables of another owner', async (t) => {
  const { root, secret, own } = await openBoth(t);
  const schema = async () =>
    (
      await root.execute(
        'SELECT type, name, sql FROM sqlite_schema UNION ALL SELECT 1, name, owner FROM _aico_objects',
      )
    ).rows;
  const before = await schema();
  for (const sql of MIGRATIONS) {
    await assert.rejects(own.migrate('own', [...OWN, { id: '002', sql }]), MigrationFailedError, sql);
    assert.deepEqual(await schema(), before, sql);
  }
  await secret.migrate('secret', [...SECRET, { id: '002', sql: 'ALTER TABLE secret RENAME TO kept' }]);
  assert.deepEqual((await secret.execute('SELECT * FROM kept')).rows, [{ id: 1, text: 'canary' }]);
});

const STATEMENTS = [
  "UPDATE '_aico_objects' SET owner = 'own'",
  'DELETE FROM [_aico_objects]',
  'SELECT * FROM `_aico_head`',
  'SELECT * FROM "sqlite_sequence"',
  'UPDATE sqlite_sequence SET seq = 1',
  'INSERT INTO counted (text) SELECT seq FROM sqlite_sequence',
  'SELECT * FROM sqlite_temp_schema',
  'SELECT * FROM dbstat',
  "SELECT * FROM pragma_foreign_key_check('secret')",
  'SELECT * FROM pragma_integrity_check',
  'SELECT * FROM pragma_optimize',
  'PRAGMA integrity_check',
  'PRAGMA foreign_key_check(secret)',
  'PRAGMA writable_schema = ON',
  'EXPLAIN PRAGMA writable_schema = ON',
  'EXPLAIN/**/PRAGMA ignore_check_constraints = 1',
  'EXPLAIN QUERY PLAN PRAGMA recursive_triggers = 0',
  'EXPLAIN SELECT * FROM secret',
  "SELECT rtreecheck('secret_place')",
  "SELECT load_extension('x')",
  "SELECT sqlite3mc_config('cipher')",
  'SELECT * FROM secret_found_content',
  'SELECT rowid FROM secret_found',
  'INSERT INTO own (text) VALUES (1) RETURNING (SELECT text FROM secret)',
  "INSERT INTO own VALUES (1, '') ON CONFLICT DO UPDATE SET text = (SELECT text FROM secret)",
  'WITH own AS (SELECT * FROM secret) SELECT * FROM own',
  'SELECT 1\0 FROM secret',
  'VACUUM',
  "VACUUM INTO '/tmp/copy'",
  "ATTACH 'x' AS y",
  'ANALYZE',
  'REINDEX own',
  'CREATE TEMP TABLE own (text)',
];

test('no statement can use the record of owners, the counters, the statistics, or a virtual table that reads pages', async (t) => {
  const { root, own } = await openBoth(t);
  for (const sql of STATEMENTS) {
    const refused = (error: unknown): boolean => {
      assert.ok(
        error instanceof TableNotOwnedError || error instanceof StatementRefusedError,
        `${sql}: ${String(error)}`,
      );
      return true;
    };
    await assert.rejects(own.execute(sql), refused, sql);
    await assert.rejects(
      own.transaction((tx) => tx.execute(sql)),
      refused,
      sql,
    );
    await assert.rejects(
      root.transaction((tx) => own.within(tx).execute(sql)),
      refused,
      sql,
    );
    await assert.rejects(async () => {
      for await (const _ of own.stream(sql));
    }, refused);
  }
});

test('an owner may use its own counters, its schema, JSON, full-text search and spatial indexes', async (t) => {
  const { own } = await openBoth(t);
  await own.migrate('own', [
    ...OWN,
    {
      id: '002',
      sql: 'CREATE VIRTUAL TABLE place USING rtree (id, low, high); CREATE VIEW places AS SELECT * FROM place',
    },
  ]);
  assert.equal((await own.execute("INSERT INTO counted (text) VALUES ('a')")).lastRowId, 1);
  await own.execute(
    "INSERT INTO own (id, text) VALUES (1, 'x'), (2, 'y') ON CONFLICT DO UPDATE SET text = 'z'",
  );
  await own.execute('INSERT INTO own_found (rowid, text) SELECT id, text FROM own');
  await own.execute('INSERT INTO place VALUES (1, 0, 1)');
  const read = async (sql: string) => (await own.execute(sql)).rows.length;
  assert.equal(
    await read("SELECT highlight(own_found, 0, '[', ']') FROM own_found WHERE own_found MATCH 'x'"),
    1,
  );
  assert.equal(await read("SELECT value FROM json_each('[1, 2]') JOIN places"), 2);
  assert.equal(await read("SELECT * FROM pragma_table_info('own')"), 2);
  assert.equal(await read('PRAGMA table_info(own)'), 2);
  assert.ok((await read("SELECT name FROM sqlite_schema WHERE type = 'table'")) > 3);
  assert.ok((await read('EXPLAIN QUERY PLAN SELECT count(*), sum(id) OVER (ORDER BY id) FROM own')) > 0);
  await own.execute(
    'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) DELETE FROM own WHERE id IN n',
  );
});

test('an owner may use every form of schema change of SQLite on its own tables', async (t) => {
  const { own } = await openBoth(t);
  await own.migrate('own', [
    ...OWN,
    {
      id: '002',
      sql: `ALTER TABLE own ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE own ADD COLUMN size INTEGER DEFAULT 1 CHECK (size > 0);
        ALTER TABLE own ADD COLUMN twice INTEGER AS (size * 2) VIRTUAL;
        ALTER TABLE own ADD COLUMN of INTEGER REFERENCES counted (id);
        ALTER TABLE own RENAME COLUMN size TO length;
        CREATE TABLE pair (a, b, PRIMARY KEY (a, b)) WITHOUT ROWID;
        CREATE UNIQUE INDEX pair_b ON pair (b DESC) WHERE b IS NOT NULL;
        CREATE INDEX pair_expression ON pair (lower(a) COLLATE NOCASE);
        INSERT INTO pair VALUES ('x', 1), ('y', 2);
        CREATE TABLE copy AS SELECT * FROM pair;
        CREATE TABLE IF NOT EXISTS copy (a);
        ALTER TABLE copy DROP COLUMN a;
        ALTER TABLE copy RENAME TO copied;
        CREATE VIEW both AS SELECT a, length FROM pair JOIN own;
        CREATE TRIGGER through INSTEAD OF DELETE ON both BEGIN DELETE FROM pair WHERE a = old.a; END;
        CREATE TRIGGER counted_out AFTER UPDATE OF text ON own WHEN new.text IS NULL BEGIN
          INSERT INTO counted (text) VALUES (old.text);
          UPDATE own SET seen = seen + 1 WHERE id = new.id;
        END;
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) INSERT INTO pair SELECT i, i + 9 FROM n;
        UPDATE pair SET b = b + 100; DELETE FROM pair WHERE b > 110;
        ALTER TABLE own_found RENAME TO own_words;
        CREATE VIRTUAL TABLE scripts USING fts5 (
          text, tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co M*'", content = 'own', content_rowid = 'id'
        );
        INSERT INTO scripts (scripts) VALUES ('rebuild');
        CREATE VIRTUAL TABLE scripts_words USING fts5vocab ('scripts', 'row');
        CREATE TABLE "made ""up" (a, b AS (a + 1) STORED UNIQUE, c GENERATED ALWAYS AS (a || b) VIRTUAL);
        CREATE TABLE held (a, b, CONSTRAINT positive CHECK (a > 0));
        ALTER TABLE held ALTER COLUMN b SET NOT NULL; ALTER TABLE held ALTER COLUMN b DROP NOT NULL;
        ALTER TABLE held DROP CONSTRAINT positive; ALTER TABLE held ADD CONSTRAINT more CHECK (b > 0);
        ALTER TABLE held ADD CHECK (a < 9); DROP TABLE held;
        DROP INDEX pair_expression; DROP TRIGGER through; DROP VIEW both; DROP TABLE copied; DROP TABLE own_words;`,
    },
  ]);
  await own.execute("INSERT INTO own (id, text) VALUES (1, 'x')");
  await own.execute('UPDATE own SET text = NULL');
  assert.deepEqual((await own.execute('SELECT seen, length, twice FROM own')).rows, [
    { seen: 1, length: 1, twice: 2 },
  ]);
  await own.execute('INSERT INTO "made ""up" (a) VALUES (1)');
  assert.deepEqual((await own.execute('SELECT * FROM "made ""up"')).rows, [{ a: 1, b: 2, c: '12' }]);
  await own.execute('SELECT * FROM scripts_words');
});

test('case is folded as in SQLite: the KELVIN SIGN is not a k', async (t) => {
  const { root, own } = await openBoth(t);
  const kelvin = root.ownedBy('kelvin');
  await kelvin.migrate('kelvin', [
    { id: '001', sql: 'CREATE TABLE "\u212Aey" (text); CREATE TABLE key (text)' },
  ]);
  for (const sql of ['SELECT * FROM "\u212Aey"', 'SELECT * FROM KEY'])
    await assert.rejects(own.execute(sql), TableNotOwnedError);
  await kelvin.execute('SELECT * FROM KEY, "\u212Aey"');
});

test('the names of parts of the backend are refused as owners and in grants', async (t) => {
  const { root } = await openBoth(t);
  for (const name of ['devices', 'Devices', 'aico_core', '_aico_objects'])
    assert.throws(() => root.ownedBy(name), OwnerReservedError);
  assert.throws(() => root.ownedBy('mine', { writes: ['devices'] }), OwnerReservedError);
  assert.throws(() => root.ownedBy('mine', { reads: ['devices'] }), OwnerReservedError);
});
