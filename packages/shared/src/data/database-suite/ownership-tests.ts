import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AicoError } from '@aico/protocol';
import { MigrationFailedError } from '../migrations/errors.ts';
import { OwnerReservedError, TableNotOwnedError } from '../ownership/errors.ts';
import { StatementRefusedError } from '../statements/errors.ts';
import { TransactionEndedError } from '../transactions/errors.ts';
import type { DatabaseView, Migration, OwnableDatabase } from '../types.ts';
import type { WithDatabase } from './store-under-test.ts';

const DIARY: readonly Migration[] = [
  {
    id: '001',
    sql: `CREATE TABLE entry (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
      CREATE INDEX entry_text ON entry (text);
      CREATE VIEW recent AS SELECT text FROM entry ORDER BY id DESC;
      CREATE TABLE log (text TEXT);
      INSERT INTO entry (text) VALUES ('canary');`,
  },
];
const OTHER: readonly Migration[] = [
  { id: '001', sql: 'CREATE TABLE own (id INTEGER PRIMARY KEY, text TEXT)' },
];

const READS: readonly string[] = [
  'SELECT * FROM entry',
  'SELECT text FROM ENTRY WHERE text > ?',
  'SELECT count(*) FROM "entry"',
  'SELECT * FROM recent',
  'WITH x AS (SELECT * FROM entry) SELECT * FROM x',
  'SELECT 1 WHERE EXISTS (SELECT 1 FROM own CROSS JOIN entry)',
  'SELECT (SELECT text FROM entry LIMIT 1) AS text',
];
const READS_TO_WRITE: readonly string[] = [
  'INSERT INTO own (text) SELECT text FROM entry',
  'UPDATE own SET text = (SELECT text FROM entry LIMIT 1)',
  'DELETE FROM own WHERE text IN (SELECT text FROM entry)',
];
const WRITES: readonly string[] = [
  "INSERT INTO entry (text) VALUES ('x')",
  "UPDATE entry SET text = 'x'",
  'DELETE FROM entry',
  "WITH x AS (SELECT 'x' AS t) INSERT INTO entry (text) SELECT t FROM x",
  "INSERT OR IGNORE INTO log VALUES ('x')",
  "DELETE FROM entry WHERE text = 'x' RETURNING text",
];

/** Statements that try to gain the rights of another owner, or to leave a mark on the connection or the server. */
const HOSTILE: readonly string[] = [
  'RESET ROLE',
  'RESET ALL',
  'SET ROLE NONE',
  "SET SESSION AUTHORIZATION 'postgres'",
  'SET search_path = pg_catalog',
  'DISCARD ALL',
  "SELECT set_config('role', 'none', true)",
  "SELECT \"set_config\"('role', 'none', true)",
  "SELECT pg_catalog.set_config /* x */ ('role', 'none', true)",
  "SELECT U&\"set\\005fconfig\"('role', 'none', true)",
  "SELECT U&\"!0073et_config\" UESCAPE '!' ('role', 'none', true)",
  "/* /* */ SELECT 1 */ RESET ROLE /* '; */",
  "SELECT 1 FROM (SELECT set_config('role', 'none', true)) AS x",
  "SELECT query_to_xml('SELECT * FROM entry', true, true, '')",
  "SELECT table_to_xml('entry', true, true, '')",
  "SELECT * FROM ts_stat('SELECT text::tsvector FROM entry')",
  "SELECT pg_read_file('/etc/passwd')",
  'SELECT pg_advisory_lock(1)',
  "SELECT pg_notify('a', 'b')",
  'SELECT lo_create(0)',
  'SELECT pg_terminate_backend(1)',
  "DO $$ BEGIN EXECUTE 'RESET ROLE'; END $$",
  'COPY own TO STDOUT',
  "COPY own FROM PROGRAM 'id'",
  'LISTEN a',
  'NOTIFY a',
  'LOCK TABLE own',
  'TRUNCATE own',
  'GRANT ALL ON own TO PUBLIC',
  'PREPARE a AS SELECT 1',
  'EXECUTE a',
  'DECLARE a CURSOR FOR SELECT 1',
  'CALL a()',
  'SELECT text INTO stolen FROM own',
  'SELECT text INTO TEMP own FROM own',
  'CREATE TEMP TABLE entry (text TEXT)',
  'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
  'EXPLAIN ANALYZE DELETE FROM own',
  'PRAGMA writable_schema = 1',
  "ATTACH 'x' AS y",
  "SELECT load_extension('x')",
  'SELECT 1; DELETE FROM entry',
  'SELECT $$; $$; DELETE FROM entry',
  "SELECT E'\\\\'; DELETE FROM entry; --'",
  'SELECT * FROM own FOR UPDATE OF entry',
];

const FOREIGN_SCHEMA: readonly string[] = [
  'DROP TABLE entry',
  'DROP INDEX entry_text',
  'DROP VIEW recent',
  'ALTER TABLE entry RENAME TO mine',
  'ALTER TABLE entry ADD COLUMN mine TEXT',
  'ALTER TABLE log RENAME COLUMN text TO mine',
  'CREATE INDEX mine ON log (text)',
  'CREATE TABLE mine AS SELECT * FROM entry',
  'CREATE TABLE mine (id INTEGER REFERENCES entry)',
  'CREATE TABLE mine (id INTEGER, FOREIGN KEY (id) REFERENCES "entry" (id) ON DELETE CASCADE)',
  'DELETE FROM entry',
  'INSERT INTO own (text) SELECT text FROM entry',
  'CREATE TABLE mine (id INTEGER); DROP TABLE log; CREATE TABLE log (text TEXT)',
];

const paramsOf = (sql: string): string[] => (sql.includes('?') ? ['a'] : []);

/** The tests of the views of owners in the acceptance suite. */
export function ownershipTests(withDatabase: WithDatabase): void {
  const withDiary = (
    work: (parts: { root: OwnableDatabase; diary: DatabaseView; other: DatabaseView }) => Promise<void>,
  ): Promise<void> =>
    withDatabase(async (root) => {
      const [diary, other] = [root.ownedBy('diary'), root.ownedBy('other')];
      await diary.migrate('diary', DIARY);
      await other.migrate('other', OTHER);
      await work({ root, diary, other });
    });

  describe("another owner's tables", () => {
    test('are neither read nor written by any kind of statement', () =>
      withDiary(async ({ root, diary, other }) => {
        for (const sql of [...READS, ...READS_TO_WRITE, ...WRITES]) {
          const refused = (error: unknown): boolean => {
            assert.ok(error instanceof TableNotOwnedError, `${sql}: ${String(error)}`);
            assert.deepEqual([error.owner, error.tableOwner], ['other', 'diary']);
            return true;
          };
          const params = paramsOf(sql);
          for (let again = 0; again < 2; again += 1)
            await assert.rejects(other.execute(sql, params), refused);
          const nested = other.transaction((tx) => tx.transaction((inner) => inner.execute(sql, params)));
          await assert.rejects(nested, refused);
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
        for (const view of [diary, root])
          assert.deepEqual((await view.execute('SELECT text FROM entry')).rows, [{ text: 'canary' }]);
      }));

    test('can be read or written as declared', () =>
      withDiary(async ({ root }) => {
        const reader = root.ownedBy('reader', { reads: ['diary', 'other'] });
        const writer = root.ownedBy('writer', { writes: ['diary', 'other'] });
        for (const sql of [...READS, ...READS_TO_WRITE]) await writer.execute(sql, paramsOf(sql));
        for (const sql of READS) await reader.execute(sql, paramsOf(sql));
        for (const sql of WRITES) {
          await assert.rejects(reader.execute(sql), TableNotOwnedError);
          await writer.execute(sql);
        }
        await assert.rejects(
          reader.transaction((tx) => tx.execute('DELETE FROM entry')),
          /reader may not write entry, which belongs to diary/,
        );
      }));

    test('that are created after a grant was declared are included in it', () =>
      withDiary(async ({ root, diary }) => {
        const reader = root.ownedBy('reader', { reads: ['diary'] });
        await reader.execute('SELECT * FROM entry');
        await diary.migrate('diary', [...DIARY, { id: '002', sql: 'CREATE TABLE later (n INTEGER)' }]);
        assert.deepEqual((await reader.execute('SELECT * FROM later')).rows, []);
      }));

    test('cannot be used by a migration', () =>
      withDiary(async ({ root, diary, other }) => {
        const tables = async () => (await root.status()).tables.map(({ name, rows }) => `${name} ${rows}`);
        const before = await tables();
        for (const sql of FOREIGN_SCHEMA)
          await assert.rejects(other.migrate('other', [...OTHER, { id: '002', sql }]), (error) => {
            assert.ok(error instanceof MigrationFailedError, sql);
            assert.ok(error.cause instanceof TableNotOwnedError, `${sql}: ${String(error.cause)}`);
            return true;
          });
        assert.deepEqual(await tables(), before);
        await assert.rejects(other.migrate('diary', DIARY), TableNotOwnedError);
        await diary.migrate('diary', [...DIARY, { id: '002', sql: 'ALTER TABLE log ADD COLUMN at INTEGER' }]);
      }));
  });

  test('hostile statements are refused and change nothing, alone, in transactions and in migrations', () =>
    withDiary(async ({ root, other }) => {
      for (const sql of HOSTILE) {
        const refused = (error: unknown): boolean => {
          assert.ok(error instanceof AicoError, `${sql}: ${String(error)}`);
          return true;
        };
        await assert.rejects(other.execute(sql), refused, sql);
        const inTransaction = other.transaction(async (tx) => {
          await assert.rejects(tx.execute(sql), refused, sql);
          await assert.rejects(tx.execute('SELECT * FROM entry'), TableNotOwnedError, sql);
          await tx.execute("INSERT INTO own (text) VALUES ('kept')");
        });
        await inTransaction;
        await assert.rejects(
          other.migrate('other', [...OTHER, { id: '002', sql: `${sql}; SELECT * FROM entry` }]),
          MigrationFailedError,
          sql,
        );
      }
      assert.deepEqual((await root.execute('SELECT text FROM entry')).rows, [{ text: 'canary' }]);
      assert.deepEqual((await root.execute('SELECT count(*) AS n FROM own')).rows, [{ n: HOSTILE.length }]);
      assert.deepEqual(
        (await root.status()).tables.map(({ name }) => name),
        ['entry', 'log', 'own'],
      );
    }));

  test('an allowed statement is authorised again after the schema has changed', () =>
    withDiary(async ({ diary, other }) => {
      await other.execute("INSERT INTO own (text) VALUES ('x')");
      await other.migrate('other', [...OTHER, { id: '002', sql: 'DROP TABLE own' }]);
      await diary.migrate('diary', [
        ...DIARY,
        { id: '002', sql: 'CREATE TABLE own (id INTEGER, text TEXT)' },
      ]);
      await assert.rejects(other.execute("INSERT INTO own (text) VALUES ('x')"), TableNotOwnedError);
    }));

  test('no owner can use a table that no migration created', () =>
    withDiary(async ({ root, diary, other }) => {
      await root.execute('CREATE TABLE orphan (text TEXT)');
      await assert.rejects(
        other.execute("INSERT INTO orphan VALUES ('x')"),
        /orphan, which belongs to no owner/,
      );
      await assert.rejects(diary.execute('SELECT * FROM orphan'), TableNotOwnedError);
    }));

  test('the view of an owner changes the schema only by migrations, and its close() does nothing', () =>
    withDiary(async ({ root, other }) => {
      for (const sql of [
        'CREATE TABLE more (x INTEGER)',
        'DROP TABLE own',
        'ALTER TABLE own ADD COLUMN x INTEGER',
      ])
        await assert.rejects(other.execute(sql), StatementRefusedError);
      await assert.rejects(other.execute("INSERT INTO _aico_migrations VALUES ('x')"), StatementRefusedError);
      await other.close();
      await root.execute('SELECT 1');
      assert.deepEqual(other.state, { kind: 'ready' });
      assert.equal(other.dialect, root.dialect);
    }));

  test('a transaction of the database can be used with the rights of an owner, and no other', () =>
    withDiary(async ({ root, other }) => {
      await root.transaction(async (tx) => {
        await tx.execute("INSERT INTO own (text) VALUES ('by the backend')");
        const own = other.within(tx);
        await assert.rejects(own.execute('SELECT * FROM entry'), TableNotOwnedError);
        await own.execute("INSERT INTO own (text) VALUES ('by the owner')");
        await tx.execute('DELETE FROM entry');
      });
      assert.deepEqual((await other.execute('SELECT count(*) AS n FROM own')).rows, [{ n: 2 }]);
      const stranger = await root.begin();
      await stranger.rollback();
      await assert.rejects(other.within(stranger).execute('SELECT 1'), TransactionEndedError);
    }));

  test('the names of parts of the backend are reserved', () =>
    withDatabase(
      async (db) => {
        assert.throws(() => db.ownedBy('Core'), OwnerReservedError);
        assert.throws(() => db.ownedBy('plugin', { writes: ['core'] }), OwnerReservedError);
        assert.throws(() => db.ownedBy('_aico_x'), OwnerReservedError);
        const view = db.ownedBy('plugin');
        const migration = { id: '001', sql: 'CREATE TABLE stream_message (n INTEGER)' };
        await assert.rejects(view.migrate('plugin', [migration]), MigrationFailedError);
        await db.migrate('core', [migration]);
      },
      { reserved: { owners: ['core'], tables: ['stream_message'] } },
    ));

  test('statements of a transaction keep their order, whether they are new or known', () =>
    withDiary(async ({ other }) => {
      const insert = 'INSERT INTO own (text) VALUES (?)';
      await other.execute(insert, ['known']);
      await other.transaction(async (tx) => {
        const sent = [];
        for (let n = 0; n < 20; n += 1)
          sent.push(tx.execute(n % 3 === 0 ? `${insert} /* ${n} */` : insert, [String(n)]));
        await Promise.all(sent.slice(0, 10));
      });
      const { rows } = await other.execute('SELECT text FROM own ORDER BY id');
      assert.deepEqual(
        rows.map(({ text }) => text),
        ['known', ...Array.from({ length: 20 }, (_, n) => String(n))],
      );
    }));

  test('tables that are renamed or dropped keep or lose their owner', () =>
    withDiary(async ({ diary, other }) => {
      const made = [
        ...DIARY,
        { id: '002', sql: 'CREATE TABLE shared (x INTEGER); ALTER TABLE log RENAME TO moved' },
      ];
      await diary.migrate('diary', made);
      await assert.rejects(other.execute('SELECT * FROM moved'), TableNotOwnedError);
      await diary.migrate('diary', [...made, { id: '003', sql: 'DROP TABLE shared' }]);
      await other.migrate('other', [...OTHER, { id: '002', sql: 'CREATE TABLE shared (x INTEGER)' }]);
      await other.execute('INSERT INTO shared VALUES (1)');
      await assert.rejects(
        diary.execute('SELECT * FROM shared'),
        /diary may not read shared, which belongs to other/,
      );
    }));
}
