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
describe('migrate() on SQLite', () => {
  test('applies scripts with triggers and virtual tables', async (t) => {
    const db = await (await testStore(t)).open();
    await db.migrate('notes', [FIRST]);
    await db.execute("INSERT INTO note (text) VALUES ('x')");
    await db.execute("UPDATE note SET text = 'y'");
    assert.deepEqual((await db.execute('SELECT changed FROM note')).rows, [{ changed: 1 }]);
    assert.deepEqual(
      (await db.status()).tables.map(({ name }) => name),
      ['note', 'note_text'],
    );
  });

  test('refuses pragmas and attached files, and permits deferred foreign keys', async (t) => {
    const db = await (await testStore(t)).open();
    for (const sql of ['PRAGMA foreign_keys = OFF; CREATE TABLE a (a)', "ATTACH 'x' AS y"])
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
