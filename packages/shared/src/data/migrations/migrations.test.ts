import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testStore } from '../../../test/fixtures/store.ts';
import { MigrationFailedError } from '../index.ts';
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
});

test('a script is split at the ends of its statements', () => {
  assert.deepEqual(splitStatements('SELECT \';\' ; -- x; y\n ;; SELECT [a;b], `c;d`, "e;f" /* ; */'), [
    "SELECT ';'",
    'SELECT [a;b], `c;d`, "e;f" /* ; */',
  ]);
  assert.deepEqual(splitStatements(''), []);
  assert.equal(splitStatements(FIRST.sql).length, 3);
});
