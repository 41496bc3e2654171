import {
  type DatabaseIntrospector,
  type Dialect,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { Database, Transaction } from '../types.ts';
import { StoreDriver } from './store-driver.ts';

/**
 * Typed queries on the database, or on one transaction of it. `Schema` says which columns each table has, so that a
 * misspelt one does not compile. It opens nothing and need not be destroyed. A query costs some 50 µs more than `execute`,
 * which hot paths use.
 *
 * On a transaction, Kysely's own `transaction()` is a savepoint in it.
 *
 * @example
 * ```ts
 * interface Notes { note: { id: Generated<number>; text: string } }
 * await database.transaction(async (tx) => {
 *   const notes = kyselyFor<Notes>(tx);
 *   await notes.insertInto('note').values({ text: 'hello' }).execute();
 *   return await notes.selectFrom('note').select('text').where('id', '=', 1).executeTakeFirst();
 * });
 * ```
 */
export function kyselyFor<Schema>(target: Database | Transaction): Kysely<Schema> {
  const dialect: Dialect = {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new StoreDriver(target),
    createIntrospector: (kysely): DatabaseIntrospector => new SqliteIntrospector(kysely),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
  return new Kysely<Schema>({ dialect });
}
