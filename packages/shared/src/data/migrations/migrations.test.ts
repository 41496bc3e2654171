import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testStore } from '../../../test/fixtures/store.ts';
import { MigrationChangedError, MigrationFailedError } from '../index.ts';
import { splitStatements } from '../sql/sql-text.ts';

const FIRST = {
  id: '001_notes',
  sql: `
    -- notes; and a trigger with semicolons of its own
    CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT DEFAULT 'a; b', changed INTEGER DEFAULT 0);
    CREATE TRIGGER note_changed AFTER UPDATE OF text ON note BEGIN
      UPDATE note SET changed = CASE WHEN changed = 0 THEN 1 ELSE changed + 1 END WHERE id = new.id;
      SELECT 'END;';
    END;
    CREATE VIRTUAL TABLE note_text USING fts5 (text);
  `,
};
const SECOND = { id: '002_tags', sql: 'CREATE TABLE tag (note INTEGER REFERENCES note, tag TEXT)' };

describe('migrate()', () => {
  test('applies the migrations of each owner in order and once, across restarts', async (t) => {
    const store = await testStore(t);
    const db = await store.open();
    assert.deepEqual(await db.migrate('notes', [FIRST]), {
      owner: 'notes',
      applied: ['001_notes'],
      alreadyApplied: 0,
    });
    await db.migrate("o'ther", [{ id: '001_notes', sql: 'CREATE TABLE other (a)' }]);
    await db.close();
    const again = await store.open();
    assert.deepEqual(await again.migrate('notes', [FIRST, SECOND]), {
      owner: 'notes',
      applied: ['002_tags'],
      alreadyApplied: 1,
    });
    const crlf = { ...FIRST, sql: FIRST.sql.replaceAll('\n', '\r\n') };
    assert.deepEqual((await again.migrate('notes', [crlf, SECOND])).applied, [], 'line ends do not count');
    await again.execute("INSERT INTO note (text) VALUES ('x')");
    await again.execute("UPDATE note SET text = 'y'");
    assert.deepEqual((await again.execute('SELECT changed FROM note')).rows, [{ changed: 1 }]);
    const { migrations, tables } = await again.status();
    assert.deepEqual(
      migrations.map(({ owner, id }) => `${owner}/${id}`),
      ['notes/001_notes', 'notes/002_tags', "o'ther/001_notes"],
    );
    assert.deepEqual(
      tables.map(({ name }) => name),
      ['note', 'note_text', 'other', 'tag'],
    );
  });

  test('rolls back a failing migration, keeps those before it, and continues with a corrected one', async (t) => {
    const db = await (await testStore(t)).open();
    const broken = {
      id: '002_broken',
      sql: 'CREATE TABLE half (a); INSERT INTO half VALUES (1); CREATE TABLE note (b)',
    };
    await assert.rejects(
      db.migrate('notes', [FIRST, broken, { id: '003', sql: 'CREATE TABLE never (a)' }]),
      (error) => {
        assert.ok(error instanceof MigrationFailedError);
        assert.deepEqual([error.owner, error.migrationId], ['notes', '002_broken']);
        assert.match(error.message, /already exists/);
        return true;
      },
    );
    const names = async () => (await db.status()).tables.map(({ name }) => name);
    assert.deepEqual(await names(), ['note', 'note_text']);
    assert.deepEqual((await db.migrate('notes', [FIRST, SECOND])).applied, ['002_tags']);
    assert.deepEqual(await names(), ['note', 'note_text', 'tag']);
  });

  test('refuses a list that does not begin with the applied migrations, without any change', async (t) => {
    const db = await (await testStore(t)).open();
    await db.migrate('notes', [FIRST, SECOND]);
    const later = { id: '003_later', sql: 'CREATE TABLE later (a)' };
    const cases: readonly [readonly { id: string; sql: string }[], string, RegExp][] = [
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
  });

  test('refuses statements that end the transaction or use internal tables', async (t) => {
    const db = await (await testStore(t)).open();
    for (const sql of [
      'CREATE TABLE a (a); COMMIT; CREATE TABLE b (b)',
      'PRAGMA foreign_keys = OFF; CREATE TABLE a (a)',
      'DROP TABLE _aico_migrations',
      "ATTACH 'x' AS y",
    ])
      await assert.rejects(db.migrate('evil', [{ id: '1', sql }]), MigrationFailedError);
    assert.deepEqual((await db.status()).tables, []);
    await db.migrate('good', [
      {
        id: '1',
        sql: 'PRAGMA defer_foreign_keys = ON; CREATE TABLE a (id INTEGER PRIMARY KEY, b REFERENCES a); INSERT INTO a VALUES (1, 2), (2, 1)',
      },
    ]);
  });

  test('applies every migration once when it is called twice at once', async (t) => {
    const db = await (await testStore(t)).open();
    const reports = await Promise.all([db.migrate('notes', [FIRST]), db.migrate('notes', [FIRST])]);
    assert.deepEqual(
      reports.map(({ applied }) => applied.length),
      [1, 0],
    );
  });
});

test('a script is split at the ends of its statements', () => {
  assert.deepEqual(splitStatements('SELECT \';\' ; -- x; y\n ;; SELECT [a;b], `c;d`, "e;f" /* ; */'), [
    "SELECT ';'",
    'SELECT [a;b], `c;d`, "e;f" /* ; */',
  ]);
  assert.deepEqual(splitStatements(''), []);
  assert.equal(splitStatements(FIRST.sql).length, 3);
});
