import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { testStore } from '../../../test/fixtures/store.ts';
import { DatabaseClosedError, type EncryptedDatabase } from '../index.ts';

/** The actions of one of many concurrent users; every kind uses the same reader threads. */
type Use =
  | { readonly do: 'read'; readonly count: number }
  | { readonly do: 'write' }
  | { readonly do: 'read-only transaction'; readonly statements: number; readonly together: boolean }
  | { readonly do: 'transaction'; readonly statements: number }
  | { readonly do: 'stream'; readonly rows: number }
  | { readonly do: 'status' };

const small = fc.integer({ min: 1, max: 5 });
const use: fc.Arbitrary<Use> = fc.oneof(
  fc.record({ do: fc.constant('read' as const), count: fc.integer({ min: 1, max: 80 }) }),
  fc.record({ do: fc.constant('write' as const) }),
  fc.record({
    do: fc.constant('read-only transaction' as const),
    statements: small,
    together: fc.boolean(),
  }),
  fc.record({ do: fc.constant('transaction' as const), statements: small }),
  fc.record({ do: fc.constant('stream' as const), rows: fc.integer({ min: 1, max: 400 }) }),
  fc.record({ do: fc.constant('status' as const) }),
);

const READ = 'SELECT count(*) AS n FROM kept';

async function perform(db: EncryptedDatabase, each: Use): Promise<void> {
  switch (each.do) {
    case 'read':
      await Promise.all(Array.from({ length: each.count }, () => db.execute(READ)));
      break;
    case 'write':
      await db.execute('INSERT INTO kept (v) VALUES (1)');
      break;
    case 'read-only transaction':
      await db.transaction(
        async (tx) => {
          const statements = Array.from({ length: each.statements }, () => () => tx.execute(READ));
          if (each.together) await Promise.all(statements.map((run) => run()));
          else for (const run of statements) await run();
        },
        { readOnly: true },
      );
      break;
    case 'transaction':
      await db.transaction(async (tx) => {
        for (let at = 0; at < each.statements; at += 1) await tx.execute(READ);
      });
      break;
    case 'stream': {
      let left = each.rows;
      for await (const _ of db.stream('SELECT v FROM kept')) {
        left -= 1;
        if (left === 0) break;
      }
      break;
    }
    case 'status':
      await db.status();
  }
}

test('reads, writes, transactions and streams in any mixture all settle, even when close() is called meanwhile', async (t) => {
  const ROWS =
    'INSERT INTO kept (v) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600) SELECT i FROM n';
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 2 }),
      fc.array(fc.array(use, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 12 }),
      fc.option(fc.nat({ max: 40 })),
      async (readers, users, closeAfter) => {
        const store = await testStore(t);
        const db = await store.open({ readers });
        await db.execute('CREATE TABLE kept (id INTEGER PRIMARY KEY, v)');
        await db.execute(ROWS);
        let done = 0;
        let closed: Promise<void> | undefined;
        const closeWhenDue = (): void => {
          if (closeAfter !== null && done >= closeAfter) closed ??= db.close();
        };
        closeWhenDue();
        const work = users.map(async (steps) => {
          for (const step of steps) {
            await perform(db, step);
            done += 1;
            closeWhenDue();
          }
        });
        // Calls may be refused only because the database closes. A lost wake-up exceeds the time limit of the test.
        for (const outcome of await Promise.allSettled(work))
          if (outcome.status === 'rejected') {
            assert.ok(outcome.reason instanceof DatabaseClosedError, String(outcome.reason));
            assert.ok(closed !== undefined);
          }
        await (closed ?? db.close());
      },
    ),
    { numRuns: 12, endOnFailure: true, timeout: 30_000 },
  );
});
