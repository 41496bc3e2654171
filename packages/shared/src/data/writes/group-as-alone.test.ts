import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import Driver from 'better-sqlite3-multiple-ciphers';
import fc from 'fast-check';
import { testStore } from '../../../test/fixtures/store.ts';
import { ConstraintError, type EncryptedDatabase, type QueryResult } from '../index.ts';

const SCHEMA = [
  'CREATE TABLE parent (id INTEGER PRIMARY KEY, v)',
  'CREATE TABLE late (id INTEGER PRIMARY KEY, p REFERENCES parent DEFERRABLE INITIALLY DEFERRED)',
  'CREATE TABLE falling (id INTEGER PRIMARY KEY, p REFERENCES parent ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED)',
  'CREATE TABLE soon (id INTEGER PRIMARY KEY, p REFERENCES parent)',
  'CREATE TABLE kept (id INTEGER PRIMARY KEY, n INTEGER UNIQUE NOT NULL CHECK (n < 9), v DEFAULT 0)',
  'CREATE TABLE strict_unique (id INTEGER PRIMARY KEY, n UNIQUE ON CONFLICT FAIL, m UNIQUE ON CONFLICT ROLLBACK)',
  'CREATE TABLE keyed (k PRIMARY KEY, v) WITHOUT ROWID',
  'CREATE TABLE noted (what)',
  'CREATE VIRTUAL TABLE text_of USING fts5(body)',
  "CREATE TRIGGER kept_7 AFTER INSERT ON kept WHEN new.n = 7 BEGIN INSERT INTO noted VALUES ('7'); SELECT RAISE(FAIL, 'seven'); END",
  "CREATE TRIGGER kept_6 AFTER INSERT ON kept WHEN new.n = 6 BEGIN INSERT INTO noted VALUES ('6'); SELECT RAISE(ROLLBACK, 'six'); END",
  "CREATE TRIGGER kept_5 AFTER INSERT ON kept WHEN new.n = 5 BEGIN INSERT INTO noted VALUES ('5'); SELECT RAISE(ABORT, 'five'); END",
  'CREATE VIEW seen AS SELECT id, n FROM kept',
  'CREATE TRIGGER seen_in INSTEAD OF INSERT ON seen BEGIN INSERT INTO noted VALUES (new.n); END',
] as const;
const TABLES = ['parent', 'late', 'falling', 'soon', 'kept', 'strict_unique', 'keyed', 'noted', 'text_of'];

interface Statement {
  readonly sql: string;
  readonly params: readonly (number | string)[];
}

const key = fc.integer({ min: 0, max: 5 });
const small = fc.integer({ min: 0, max: 9 });
const conflict = fc.constantFrom('', 'OR FAIL ', 'OR ROLLBACK ', 'OR IGNORE ', 'OR REPLACE ', 'OR ABORT ');
const returning = fc.constantFrom('', '', ' RETURNING *');
const fixed = (sql: string, ...params: (number | string)[]): Statement => ({ sql, params });

const reference: fc.Arbitrary<Statement> = fc.oneof(
  fc
    .tuple(conflict, fc.constantFrom('late', 'falling', 'soon'), key, key, returning)
    .map(([or, table, id, p, back]) => fixed(`INSERT ${or}INTO ${table} VALUES (?, ?)${back}`, id, p)),
  fc.tuple(conflict, key).map(([or, id]) => fixed(`INSERT ${or}INTO parent VALUES (?, 0)`, id)),
  fc.tuple(key, returning).map(([id, back]) => fixed(`DELETE FROM parent WHERE id = ?${back}`, id)),
  fc
    .tuple(conflict, key, key)
    .map(([or, from, to]) => fixed(`UPDATE ${or}parent SET id = ? WHERE id = ?`, to, from)),
  fc
    .tuple(fc.constantFrom('late', 'falling', 'soon'), key)
    .map(([table, p]) => fixed(`DELETE FROM ${table} WHERE p = ?`, p)),
);

const rule: fc.Arbitrary<Statement> = fc.oneof(
  fc
    .tuple(conflict, small, small, small, returning)
    .map(([or, a, b, c, back]) => fixed(`INSERT ${or}INTO kept (n) VALUES (?), (?), (?)${back}`, a, b, c)),
  fc
    .tuple(conflict, small, small)
    .map(([or, a, b]) => fixed(`UPDATE ${or}kept SET n = n + ? WHERE n >= ?`, a, b)),
  fc
    .tuple(key, small, returning)
    .map(([id, n, back]) =>
      fixed(`INSERT INTO kept VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET v = v + 1${back}`, id, n),
    ),
  fc
    .tuple(key, small)
    .map(([id, n]) => fixed('INSERT INTO kept VALUES (?, ?, 1) ON CONFLICT (n) DO NOTHING', id, n)),
  fc
    .tuple(conflict, small, small, small)
    .map(([or, a, b, c]) => fixed(`INSERT ${or}INTO strict_unique (n, m) VALUES (?, ?), (?, ?)`, a, b, c, b)),
  fc.tuple(conflict, key).map(([or, k]) => fixed(`INSERT ${or}INTO keyed VALUES (?, 1)`, k)),
  key.map((k) => fixed('INSERT INTO keyed VALUES (?, 1) ON CONFLICT DO UPDATE SET v = v + 1', k)),
  small.map((n) => fixed('INSERT INTO seen (n) VALUES (?)', n)),
  key.map((id) => fixed("INSERT INTO text_of (rowid, body) VALUES (?, 'one two')", id)),
  key.map((id) => fixed('DELETE FROM text_of WHERE rowid = ?', id)),
);

const schema: fc.Arbitrary<Statement> = fc.constantFrom(
  fixed('DELETE FROM kept WHERE n > 3 RETURNING *'),
  fixed('UPDATE kept SET v = v RETURNING *'),
  fixed('ALTER TABLE kept RENAME COLUMN v TO w'),
  fixed('ALTER TABLE kept RENAME COLUMN w TO v'),
  fixed('ALTER TABLE parent ADD COLUMN more DEFAULT 3'),
  fixed('ALTER TABLE parent DROP COLUMN more'),
  fixed('DROP TABLE parent'),
  fixed('CREATE TABLE parent (id INTEGER PRIMARY KEY, v)'),
  fixed('INSERT INTO nowhere VALUES (1)'),
  fixed('INSERT INTO kept (n) VALUES (?)'),
);

const groupOf = (each: fc.Arbitrary<Statement>, maxLength: number): fc.Arbitrary<Statement[]> =>
  fc.array(each, { minLength: 1, maxLength });
const group: fc.Arbitrary<Statement[]> = fc.oneof(
  groupOf(reference, 5),
  groupOf(rule, 12),
  groupOf(fc.oneof(reference, rule, schema), 16),
);

/** The result of a call; failures are not distinguished. */
type Told = Pick<QueryResult, 'rows' | 'changes' | 'lastRowId'> | 'refused';

/** Runs the same statements on the bare driver, each in its own transaction. */
class Alone {
  readonly #driver = new Driver(':memory:');

  constructor() {
    this.#driver.pragma('foreign_keys = 1');
    this.#driver.exec('CREATE TEMP TABLE mark (id INTEGER PRIMARY KEY)');
    for (const sql of SCHEMA) this.#driver.exec(sql);
  }

  run({ sql, params }: Statement): Told {
    // A key that no statement of the test inserts: another value shows an insert.
    this.#driver.exec('INSERT OR REPLACE INTO mark VALUES (-99)');
    this.#driver.exec('BEGIN');
    try {
      const prepared = this.#driver.prepare(sql);
      const rows = prepared.reader ? prepared.all(...params) : [];
      const { changes, last } = prepared.reader
        ? (this.#driver.prepare('SELECT changes() AS changes, last_insert_rowid() AS last').get() as {
            changes: number;
            last: number;
          })
        : (({ changes, lastInsertRowid }) => ({ changes, last: Number(lastInsertRowid) }))(
            prepared.run(...params),
          );
      this.#driver.exec('COMMIT');
      return { rows: rows as QueryResult['rows'], changes, lastRowId: last === -99 ? undefined : last };
    } catch {
      if (this.#driver.inTransaction) this.#driver.exec('ROLLBACK');
      return 'refused';
    }
  }

  content(): unknown {
    return TABLES.map((table) => {
      try {
        return this.#driver.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all();
      } catch {
        return 'refused';
      }
    });
  }

  close(): void {
    this.#driver.close();
  }
}

async function told(answer: Promise<QueryResult>): Promise<Told> {
  try {
    const { rows, changes, lastRowId } = await answer;
    return { rows, changes, lastRowId };
  } catch {
    return 'refused';
  }
}

async function contentOf(db: EncryptedDatabase): Promise<unknown> {
  return await Promise.all(
    TABLES.map((table) =>
      db.execute(`SELECT * FROM ${table} ORDER BY 1, 2`).then(
        ({ rows }) => rows,
        () => 'refused',
      ),
    ),
  );
}

/** A change of the schema may report the `changes` of the statement before it. */
function comparable(sql: string, what: Told): Told {
  if (what === 'refused' || !/^(?:ALTER|DROP|CREATE)/.test(sql)) return what;
  return { ...what, changes: 0, lastRowId: undefined };
}

test('each of the statements that share a commit has the same result as alone', async (t) => {
  const store = await testStore(t);
  const db = await store.open();
  await fc.assert(
    fc.asyncProperty(fc.array(group, { minLength: 1, maxLength: 4 }), async (groups) => {
      const alone = new Alone();
      try {
        for (const sql of SCHEMA) await db.execute(sql);
        for (const members of groups) {
          const answers = await Promise.all(members.map(({ sql, params }) => told(db.execute(sql, params))));
          members.forEach((each, index) => {
            assert.deepEqual(
              comparable(each.sql, answers[index] ?? 'refused'),
              comparable(each.sql, alone.run(each)),
              `${index}: ${each.sql} [${each.params.join(', ')}]`,
            );
          });
        }
        assert.deepEqual(await contentOf(db), alone.content());
      } finally {
        alone.close();
        await db.execute('DROP VIEW seen');
        for (const table of TABLES.toReversed())
          if (table !== 'parent') await db.execute(`DROP TABLE ${table}`);
        await db.execute('DROP TABLE IF EXISTS parent');
      }
    }),
    { numRuns: 60, endOnFailure: true },
  );
});

describe('a statement in a group', () => {
  test('does not pass a check because of another statement in its group', async (t) => {
    const db = await (await testStore(t)).open();
    await db.execute('CREATE TABLE parent (id INTEGER PRIMARY KEY)');
    await db.execute('CREATE TABLE child (p REFERENCES parent DEFERRABLE INITIALLY DEFERRED)');
    await db.execute('INSERT INTO parent VALUES (1)');
    await db.execute('INSERT INTO child VALUES (1)');
    const [refused, deleted] = await Promise.allSettled([
      db.execute('DELETE FROM parent'),
      db.execute('DELETE FROM child'),
    ]);
    assert.equal(refused.status, 'rejected');
    assert.equal(deleted.status, 'fulfilled');
    assert.deepEqual((await db.execute('SELECT id FROM parent')).rows, [{ id: 1 }]);
  });

  test('that fails stores nothing, even with OR FAIL and inside a transaction', async (t) => {
    const db = await (await testStore(t)).open();
    await db.execute('CREATE TABLE kept (n UNIQUE)');
    await db.execute('INSERT INTO kept VALUES (3)');
    const sql = 'INSERT OR FAIL INTO kept VALUES (1), (2), (3)';
    await assert.rejects(db.execute(sql), ConstraintError);
    await db.transaction(async (tx) => {
      await assert.rejects(tx.execute(sql), ConstraintError);
      await tx.execute('INSERT INTO kept VALUES (4)');
    });
    assert.deepEqual((await db.execute('SELECT n FROM kept')).rows, [{ n: 3 }, { n: 4 }]);
  });

  test('returns rows with the right column names when the schema changes in its group', async (t) => {
    const db = await (await testStore(t)).open();
    await db.execute('CREATE TABLE kept (a, b)');
    await db.execute('INSERT INTO kept VALUES (1, 2)');
    const touch = 'UPDATE kept SET rowid = rowid RETURNING *';
    const [before, , after] = await Promise.all([
      db.execute(touch),
      db.execute('ALTER TABLE kept ADD COLUMN c DEFAULT 3'),
      db.execute(touch),
      db.execute('ALTER TABLE kept RENAME COLUMN a TO z'),
    ]);
    assert.deepEqual(before.rows, [{ a: 1, b: 2 }]);
    assert.deepEqual(after.rows, [{ a: 1, b: 2, c: 3 }]);
    assert.deepEqual((await db.execute(touch)).rows, [{ z: 1, b: 2, c: 3 }]);
  });

  test('returns rows with the right column names after a change of the schema was rolled back', async (t) => {
    const db = await (await testStore(t)).open();
    await db.execute('CREATE TABLE kept (a UNIQUE, b)');
    await db.execute('INSERT INTO kept VALUES (1, 2)');
    const touch = 'UPDATE kept SET rowid = rowid RETURNING *';
    const undo: readonly ((sql: string) => Promise<unknown>)[] = [
      async (sql) =>
        await db.transaction(async (tx) => {
          await tx.execute(sql);
          await tx.execute(touch);
          await tx.execute('INSERT OR ROLLBACK INTO kept (rowid) VALUES (1)');
        }),
      async (sql) =>
        await db.transaction(async (tx) => {
          await tx.execute(sql);
          await tx.execute(touch);
          throw new Error('as planned');
        }),
      async (sql) =>
        await db.transaction(async (tx) => {
          await assert.rejects(
            tx.transaction(async (inner) => {
              await inner.execute(sql);
              await inner.execute(touch);
              throw new Error('as planned');
            }),
          );
          assert.deepEqual((await tx.execute(touch)).rows, [{ a: 1, b: 2 }]);
          throw new Error('as planned');
        }),
    ];
    for (const sql of ['ALTER TABLE kept RENAME COLUMN b TO other', 'ALTER TABLE kept ADD COLUMN c'])
      for (const attempt of undo) {
        await assert.rejects(attempt(sql));
        assert.deepEqual((await db.execute(touch)).rows, [{ a: 1, b: 2 }]);
        assert.deepEqual((await db.execute('SELECT * FROM kept')).rows, [{ a: 1, b: 2 }]);
      }
  });

  test('keeps its column names while the statement cache evicts others', async (t) => {
    const db = await (await testStore(t)).open();
    const read = async (n: number) => (await db.execute(`SELECT ${n} AS "n${n}", 'x' AS other`)).rows;
    for (let round = 0; round < 3; round += 1) {
      const found = await Promise.all(Array.from({ length: 1_300 }, (_, n) => read(n % 650)));
      found.forEach((rows, n) => {
        assert.deepEqual(rows, [{ [`n${n % 650}`]: n % 650, other: 'x' }]);
      });
    }
  });

  test('returns a column called __proto__', async (t) => {
    const db = await (await testStore(t)).open();
    const { rows } = await db.execute('SELECT 1 AS "__proto__", 2 AS two');
    assert.deepEqual(Object.entries(rows[0] ?? {}), [
      ['__proto__', 1],
      ['two', 2],
    ]);
  });
});

test('an upsert that inserts returns the key, even if another table had the same one before', async (t) => {
  const db = await (await testStore(t)).open();
  await db.execute('CREATE TABLE one (id INTEGER PRIMARY KEY, n UNIQUE)');
  await db.execute('CREATE TABLE other (id INTEGER PRIMARY KEY, n UNIQUE, v DEFAULT 0)');
  await db.execute('CREATE TABLE keyed (k PRIMARY KEY) WITHOUT ROWID');
  const upsert = 'INSERT INTO other (n) VALUES (?) ON CONFLICT DO UPDATE SET v = v + 1';
  const keyOf = async (sql: string, params: readonly number[] = []) =>
    (await db.execute(sql, params)).lastRowId;
  assert.equal(await keyOf('INSERT INTO one (n) VALUES (1)'), 1);
  assert.equal(await keyOf(upsert, [5]), 1);
  assert.equal(await keyOf(upsert, [5]), undefined);
  await db.execute('DELETE FROM other');
  assert.equal(await keyOf(upsert, [5]), 1);
  assert.equal(await keyOf('INSERT INTO keyed VALUES (1)'), undefined);
  await db.transaction(async (tx) => {
    await tx.execute('INSERT INTO one (n) VALUES (2)');
    await tx.execute(upsert, [5]);
    assert.deepEqual((await tx.execute('SELECT last_insert_rowid() AS id')).rows, [{ id: 2 }]);
  });
});
