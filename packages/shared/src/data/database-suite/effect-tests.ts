import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { TransactionConflictError } from '../transactions/errors.ts';
import type { Database, Transaction } from '../types.ts';
import { createTables, type WithDatabase } from './store-under-test.ts';

/** The steps of a transaction or savepoint in order, and whether it is rolled back. */
interface Plan {
  readonly steps: readonly (Plan | 'write')[];
  readonly rollsBack: boolean;
}

const { plan } = fc.letrec<{ plan: Plan; step: Plan | 'write' }>((tie) => ({
  plan: fc.record({ steps: fc.array(tie('step'), { maxLength: 4 }), rollsBack: fc.boolean() }),
  step: fc.oneof({ maxDepth: 4 }, { arbitrary: fc.constant('write' as const), weight: 2 }, tie('plan')),
}));

class Planned extends Error {}

const passing = (error: unknown): void => {
  if (!(error instanceof Planned)) throw error;
};

/** The tests of conflicts and of effects after a commit in the acceptance suite. */
export function effectTests(withDatabase: WithDatabase): void {
  describe('an effect after the commit', () => {
    test('runs exactly if the row of the same savepoint is stored', () =>
      withDatabase(async (db) => {
        await createTables(db, 'CREATE TABLE note (n INTEGER)');
        for (const view of [db, db.ownedBy('test')] as readonly Database[])
          await fc.assert(
            fc.asyncProperty(plan, async (whole) => {
              await db.execute('DELETE FROM note');
              const happened: number[] = [];
              let next = 0;
              const follow = async (tx: Transaction, { steps, rollsBack }: Plan): Promise<void> => {
                for (const step of steps) {
                  if (step !== 'write') {
                    await tx.transaction((nested) => follow(nested, step)).catch(passing);
                    continue;
                  }
                  next += 1;
                  const n = next;
                  tx.afterCommit(() => happened.push(n));
                  await tx.execute('INSERT INTO note VALUES (?)', [n]);
                }
                assert.deepEqual(happened, [], 'nothing happens before the commit');
                if (rollsBack) throw new Planned();
              };
              await view.transaction((tx) => follow(tx, whole)).catch(passing);
              const { rows } = await db.execute<{ n: number }>('SELECT n FROM note ORDER BY n');
              assert.deepEqual(
                happened,
                rows.map(({ n }) => n),
              );
            }),
            { numRuns: 30 },
          );
      }));

    test('that fails does not affect other effects or the commit', () =>
      withDatabase(async (db) => {
        const warnings: unknown[] = [];
        const note = (warning: unknown): unknown => warnings.push(warning);
        process.on('warning', note);
        const happened: string[] = [];
        const result = await db.transaction(async (tx) => {
          tx.afterCommit(() => {
            throw new Error('thrown');
          });
          tx.afterCommit(() => Promise.reject(new Error('rejected')));
          tx.afterCommit(() => happened.push('last'));
          return 'committed';
        });
        assert.deepEqual([result, happened], ['committed', ['last']]);
        while (warnings.length < 2) await new Promise((resolve) => setImmediate(resolve));
        process.off('warning', note);
      }));
  });

  describe('a transaction with a conflict', () => {
    test('runs its work again, and only the last run has effects', () =>
      withDatabase(
        async (db) => {
          await createTables(db, 'CREATE TABLE note (text TEXT NOT NULL)');
          const effects: number[] = [];
          for (const database of [db, db.ownedBy('test')]) {
            let runs = 0;
            const result = await database.transaction(async (tx) => {
              runs += 1;
              const run = runs;
              await tx.execute('INSERT INTO note VALUES (?)', [`run ${run}`]);
              await tx.transaction(async (nested) => nested.afterCommit(() => effects.push(run)));
              return run;
            });
            assert.deepEqual([result, runs], [3, 3]);
          }
          const { rows } = await db.execute('SELECT text FROM note');
          assert.deepEqual(rows, [{ text: 'run 3' }, { text: 'run 3' }]);
          assert.deepEqual(effects, [3, 3]);
        },
        { conflicts: { inTransaction: (run) => run < 3 } },
      ));

    test('does not run work again that rejects', () =>
      withDatabase(
        async (db) => {
          let runs = 0;
          const failing = db.transaction(async () => {
            runs += 1;
            throw new Error('on purpose');
          });
          await assert.rejects(failing, /on purpose/);
          assert.equal(runs, 1);
        },
        { conflicts: { inTransaction: () => true } },
      ));

    test('of begin() is rolled back with an error and does not run again', () => {
      let isConflict = true;
      return withDatabase(
        async (db) => {
          await createTables(db, 'CREATE TABLE note (text TEXT NOT NULL)');
          const insert = async (): Promise<void> => {
            const tx = await db.begin();
            await tx.execute("INSERT INTO note VALUES ('one')");
            tx.afterCommit(() => assert.ok(!isConflict));
            await tx.commit();
          };
          await assert.rejects(insert(), TransactionConflictError);
          assert.deepEqual((await db.execute('SELECT * FROM note')).rows, []);
          isConflict = false;
          await insert();
          assert.deepEqual((await db.execute('SELECT * FROM note')).rows, [{ text: 'one' }]);
        },
        { conflicts: { inBegun: () => isConflict } },
      );
    });
  });
}
