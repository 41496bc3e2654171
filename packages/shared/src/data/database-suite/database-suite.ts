import { describe } from 'node:test';
import { effectTests } from './effect-tests.ts';
import { lifecycleTests } from './lifecycle-tests.ts';
import { migrationTests } from './migration-tests.ts';
import { ownershipTests } from './ownership-tests.ts';
import { refusalTests } from './refusal-tests.ts';
import { resultTests } from './result-tests.ts';
import { databasesOf, type StoreFixture } from './store-under-test.ts';
import { streamTests } from './stream-tests.ts';
import { transactionTests } from './transaction-tests.ts';
import { valueTests } from './value-tests.ts';

export type { EngineOptions, StoreFixture, StoreUnderTest } from './store-under-test.ts';

/**
 * The acceptance suite of engines: tests that hold everything the interface `OwnableDatabase` promises. It registers its tests with
 * `node:test`; the tests of every engine call it.
 *
 * @example
 * ```ts
 * databaseSuite('SQLite', async () => {
 *   const folder = await mkdtemp(path.join(tmpdir(), 'store-'));
 *   return {
 *     open: (options) => EncryptedDatabase.open({ file: path.join(folder, 'aico.db'), key, ...options }),
 *     remove: () => rm(folder, { recursive: true }),
 *   };
 * });
 * ```
 */
export function databaseSuite(name: string, fixture: StoreFixture): void {
  const withDatabase = databasesOf(fixture);
  describe(`database: ${name}`, () => {
    valueTests(withDatabase);
    resultTests(withDatabase);
    refusalTests(withDatabase);
    transactionTests(withDatabase);
    effectTests(withDatabase);
    streamTests(withDatabase);
    migrationTests(withDatabase);
    ownershipTests(withDatabase);
    lifecycleTests(withDatabase);
  });
}
