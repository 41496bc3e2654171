import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MigrationChangedError, MigrationFailedError } from '../migrations/errors.ts';
import type { Migration } from '../types.ts';
import type { WithDatabase } from './store-under-test.ts';

const FIRST: Migration & { readonly sql: string } = {
  id: '001_notes',
  sql: `
    -- notes; and a default with a semicolon
    CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT DEFAULT 'a; b', changed INTEGER DEFAULT 0);
    CREATE INDEX note_text ON note (text);
    INSERT INTO note (text) VALUES ('first');
  `,
};
const SECOND: Migration = {
  id: '002_tags',
  sql: {
    sqlite: 'CREATE TABLE tag (note INTEGER REFERENCES note (id), tag TEXT)',
    postgres: 'CREATE TABLE tag (note BIGINT REFERENCES note (id), tag TEXT)',
  },
};

/** The tests of migrations in the acceptance suite. */
export function migrationTests(withDatabase: WithDatabase): void {
  describe('migrate()', () => {
    test('applies the migrations of each owner in order and once, across restarts', () =>
      withDatabase(async (db, store) => {
        assert.deepEqual(await db.migrate('notes', [FIRST]), {
          owner: 'notes',
          applied: ['001_notes'],
          alreadyApplied: 0,
        });
        await db.migrate("o'ther", [{ id: '001_notes', sql: 'CREATE TABLE other (a INTEGER)' }]);
        await db.close();
        const again = await store.open();
        assert.deepEqual(await again.migrate('notes', [FIRST, SECOND]), {
          owner: 'notes',
          applied: ['002_tags'],
          alreadyApplied: 1,
        });
        const crlf = { ...FIRST, sql: FIRST.sql.replaceAll('\n', '\r\n') };
        assert.deepEqual(
          (await again.migrate('notes', [crlf, SECOND])).applied,
          [],
          'line ends do not count',
        );
        await again.execute('INSERT INTO note (changed) VALUES (1)');
        assert.deepEqual((await again.execute('SELECT id, text FROM note ORDER BY id')).rows, [
          { id: 1, text: 'first' },
          { id: 2, text: 'a; b' },
        ]);
        const { migrations, tables } = await again.status();
        assert.deepEqual(
          migrations.map(({ owner, id }) => `${owner}/${id}`),
          ['notes/001_notes', 'notes/002_tags', "o'ther/001_notes"],
        );
        assert.deepEqual(tables, [
          { name: 'note', rows: 2 },
          { name: 'other', rows: 0 },
          { name: 'tag', rows: 0 },
        ]);
      }));

    test('rolls back a failing migration whole, keeps those before it, and continues with a corrected one', () =>
      withDatabase(async (db) => {
        const broken = {
          id: '002_broken',
          sql: 'CREATE TABLE half (a INTEGER); INSERT INTO half VALUES (1); CREATE TABLE note (b INTEGER)',
        };
        const never = { id: '003', sql: 'CREATE TABLE never (a INTEGER)' };
        await assert.rejects(db.migrate('notes', [FIRST, broken, never]), (error) => {
          assert.ok(error instanceof MigrationFailedError);
          assert.deepEqual([error.owner, error.migrationId], ['notes', '002_broken']);
          assert.match(error.message, /already exists/);
          return true;
        });
        const names = async () => (await db.status()).tables.map(({ name }) => name);
        assert.deepEqual(await names(), ['note']);
        assert.deepEqual((await db.migrate('notes', [FIRST, SECOND])).applied, ['002_tags']);
        assert.deepEqual(await names(), ['note', 'tag']);
      }));

    test('refuses a list that does not begin with the applied migrations, without any change', () =>
      withDatabase(async (db) => {
        await db.migrate('notes', [FIRST, SECOND]);
        const later = { id: '003_later', sql: 'CREATE TABLE later (a INTEGER)' };
        const cases: readonly (readonly [list: readonly Migration[], id: string, reason: RegExp])[] = [
          [[{ ...FIRST, sql: `${FIRST.sql} ` }, SECOND, later], '001_notes', /different text/],
          [[FIRST], '002_tags', /no longer in the list/],
          [[FIRST, { id: '001_x', sql: 'SELECT 1' }, SECOND, later], '002_tags', /at the position of 001_x/],
          [[SECOND, FIRST, later], '001_notes', /out of order/],
          [[FIRST, SECOND, SECOND], '002_tags', /out of order/],
        ];
        for (const [list, id, reason] of cases)
          await assert.rejects(db.migrate('notes', list), (error) => {
            assert.ok(error instanceof MigrationChangedError, String(error));
            assert.equal(error.migrationId, id);
            assert.match(error.message, reason);
            return true;
          });
        assert.ok(!(await db.status()).tables.some(({ name }) => name === 'later'));
      }));

    test('refuses statements that end the transaction or use internal tables', () =>
      withDatabase(async (db) => {
        for (const sql of [
          'CREATE TABLE a (a INTEGER); COMMIT; CREATE TABLE b (b INTEGER)',
          'DROP TABLE _aico_migrations',
          'CREATE TABLE a (a INTEGER); VACUUM',
        ])
          await assert.rejects(db.migrate('evil', [{ id: '1', sql }]), MigrationFailedError);
        assert.deepEqual((await db.status()).tables, []);
      }));

    test('applies every migration once when it is called twice at once', () =>
      withDatabase(async (db) => {
        const reports = await Promise.all([db.migrate('notes', [FIRST]), db.migrate('notes', [FIRST])]);
        assert.deepEqual(reports.map(({ applied }) => applied.length).sort(), [0, 1]);
      }));
  });
}
