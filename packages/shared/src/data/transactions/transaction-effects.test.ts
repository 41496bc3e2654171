import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { captured } from '../../../test/fixtures/capture-lines.ts';
import { testStore } from '../../../test/fixtures/store.ts';
import type { Database, Transaction } from '../index.ts';

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

describe('an effect after the commit', () => {
  test('runs exactly if the row of the same savepoint is stored', async (t) => {
    const db = await (await testStore(t)).open();
    await db.migrate('notes', [{ id: '001', sql: 'CREATE TABLE note (n INTEGER)' }]);
    for (const view of [db, db.ownedBy('notes')] as readonly Database[])
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
        { numRuns: 60 },
      );
  });

  test('that fails is reported, and does not affect other effects or the commit', async (t) => {
    const { logging, lines } = captured();
    const db = await (await testStore(t)).open({ logger: logging.getLogger('database', 'engine') });
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
    await logging.close();
    const reports = lines().filter((line) =>
      JSON.stringify(line).includes('An effect after a commit failed'),
    );
    assert.equal(reports.length, 2);
  });
});
