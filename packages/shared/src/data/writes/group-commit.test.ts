import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { testStore } from '../../../test/fixtures/store.ts';
import { ConstraintError, type EncryptedDatabase, StatementFailedError } from '../index.ts';

const settled = async (work: readonly Promise<unknown>[]) =>
  (await Promise.allSettled(work)).map(({ status }) => status === 'fulfilled');

describe('concurrent writes', () => {
  test('are independent: one that fails does not affect the others', async (t) => {
    const db = await (await testStore(t)).open();
    await db.execute('CREATE TABLE kept (id INTEGER PRIMARY KEY, n INTEGER UNIQUE)');
    const outcomes = await settled([
      db.execute('INSERT INTO kept (n) VALUES (1)'),
      db.execute('INSERT INTO kept (n) VALUES (1)'),
      db.execute('INSERT INTO nowhere VALUES (1)'),
      db.execute('INSERT INTO kept (n) VALUES (2)'),
      db.execute('INSERT INTO kept (n) VALUES (?)', []),
      db.execute('INSERT INTO kept (n) VALUES (3), (4), (2)'),
      db.execute('INSERT INTO kept (n) VALUES (5) RETURNING id'),
    ]);
    assert.deepEqual(outcomes, [true, false, false, true, false, false, true]);
    assert.deepEqual((await db.execute('SELECT n FROM kept ORDER BY n')).rows, [
      { n: 1 },
      { n: 2 },
      { n: 5 },
    ]);
  });

  test('survive one that rolls back the whole transaction', async (t) => {
    const db = await (await testStore(t)).open();
    await db.execute('CREATE TABLE kept (n INTEGER UNIQUE)');
    await db.execute(
      "CREATE TRIGGER no_nine BEFORE INSERT ON kept WHEN new.n = 9 BEGIN SELECT RAISE(ROLLBACK, 'no nine'); END",
    );
    const outcomes = await settled([
      db.execute('INSERT INTO kept VALUES (1)'),
      db.execute('INSERT OR ROLLBACK INTO kept VALUES (1)'),
      db.execute('INSERT INTO kept VALUES (2)'),
      db.execute('INSERT INTO kept VALUES (9)'),
      db.execute('INSERT INTO kept VALUES (1)'),
      db.execute('INSERT INTO kept VALUES (3)'),
    ]);
    assert.deepEqual(outcomes, [true, false, true, false, false, true]);
    assert.deepEqual((await db.execute('SELECT n FROM kept')).rows, [{ n: 1 }, { n: 2 }, { n: 3 }]);
  });

  test('survive one that fails at the commit', async (t) => {
    const db = await (await testStore(t)).open();
    await db.execute('CREATE TABLE parent (id INTEGER PRIMARY KEY)');
    await db.execute('CREATE TABLE child (p REFERENCES parent DEFERRABLE INITIALLY DEFERRED)');
    const outcomes = await Promise.allSettled([
      db.execute('INSERT INTO parent VALUES (1)'),
      db.execute('INSERT INTO child VALUES (1)'),
      db.execute('INSERT INTO child VALUES (7)'),
      db.execute('INSERT INTO parent VALUES (2)'),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    );
    const [, , refused] = outcomes;
    assert.ok(refused?.status === 'rejected' && refused.reason instanceof ConstraintError);
    assert.deepEqual((await db.execute('SELECT p FROM child')).rows, [{ p: 1 }]);
    assert.equal((await db.execute('SELECT count(*) AS n FROM parent')).fetchOne()?.n, 2);
  });

  test('are all seen by the next read', async (t) => {
    const db = await (await testStore(t)).open({ readers: 2 });
    await db.execute('CREATE TABLE kept (writer INTEGER, n INTEGER)');
    const writer = async (id: number): Promise<void> => {
      for (let n = 1; n <= 20; n += 1) {
        await db.execute('INSERT INTO kept VALUES (?, ?)', [id, n]);
        const { rows } = await db.execute('SELECT count(*) AS c FROM kept WHERE writer = ?', [id]);
        assert.deepEqual(rows, [{ c: n }]);
      }
    };
    await Promise.all(Array.from({ length: 16 }, (_, id) => writer(id)));
  });

  test('with a change of the schema leave later statements correct', async (t) => {
    const db = await (await testStore(t)).open();
    await Promise.all([
      db.execute('CREATE TABLE kept (a)'),
      db.execute('INSERT INTO kept VALUES (1)'),
      db.execute('ALTER TABLE kept ADD COLUMN b DEFAULT 2'),
      db.execute('INSERT INTO kept VALUES (3, 4)'),
    ]);
    assert.deepEqual((await db.execute('SELECT * FROM kept')).rows, [
      { a: 1, b: 2 },
      { a: 3, b: 4 },
    ]);
    await assert.rejects(db.execute('INSERT INTO kept VALUES (1)'), StatementFailedError);
  });
});

/** A table with a unique column and an upper bound, and its model in memory. */
type Step =
  | { readonly do: 'insert' | 'insert or rollback'; readonly n: number }
  | { readonly do: 'delete'; readonly n: number }
  | { readonly do: 'many'; readonly n: readonly number[] }
  | { readonly do: 'transaction'; readonly n: readonly number[]; readonly fails: boolean };

const number = fc.integer({ min: 0, max: 12 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('insert' as const), n: number }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('insert or rollback' as const), n: number }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), n: number }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('many' as const),
      n: fc.array(number, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('transaction' as const),
      n: fc.array(number, { maxLength: 3 }),
      fails: fc.boolean(),
    }),
  },
);

/** Applies a step to the model. @returns whether it succeeds */
function expected(model: Set<number>, { do: what, n }: Step, fails = false): boolean {
  const values = typeof n === 'number' ? [n] : n;
  if (what === 'delete') {
    for (const value of values) model.delete(value);
    return true;
  }
  const fits =
    values.every((value) => value <= 10 && !model.has(value)) && new Set(values).size === values.length;
  if (!fits || fails) return false;
  for (const value of values) model.add(value);
  return true;
}

function perform(db: EncryptedDatabase, each: Step): Promise<unknown> {
  switch (each.do) {
    case 'insert':
      return db.execute('INSERT INTO kept VALUES (?)', [each.n]);
    case 'insert or rollback':
      return db.execute('INSERT OR ROLLBACK INTO kept VALUES (?)', [each.n]);
    case 'delete':
      return db.execute('DELETE FROM kept WHERE n = ?', [each.n]);
    case 'many':
      return db.execute(`INSERT INTO kept VALUES ${each.n.map(() => '(?)').join(', ')}`, each.n);
    case 'transaction':
      return db.transaction(async (tx) => {
        for (const n of each.n) await tx.execute('INSERT INTO kept VALUES (?)', [n]);
        if (each.fails) throw new Error('as planned');
      });
  }
}

test('any mixture of writes in flight has the same result as one after another', async (t) => {
  const store = await testStore(t);
  const db = await store.open();
  await db.execute('CREATE TABLE kept (n INTEGER UNIQUE CHECK (n <= 10))');
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(step, { minLength: 1, maxLength: 12 }), { maxLength: 4 }),
      async (bursts) => {
        await db.execute('DELETE FROM kept');
        const model = new Set<number>();
        for (const burst of bursts) {
          const outcomes = await settled(burst.map((each) => perform(db, each)));
          const wanted = burst.map((each) => expected(model, each, each.do === 'transaction' && each.fails));
          assert.deepEqual(outcomes, wanted);
        }
        const { rows } = await db.execute<{ n: number }>('SELECT n FROM kept ORDER BY n');
        assert.deepEqual(
          rows.map(({ n }) => n),
          [...model].sort((a, b) => a - b),
        );
      },
    ),
    { numRuns: 60 },
  );
});
