import type { Logger } from '../../core/logging/types.ts';
import type { ReservedNames } from '../ownership/principal.ts';
import type { SimulatedConflicts } from '../transactions/conflicts.ts';
import type { OwnableDatabase } from '../types.ts';

/** The options that every engine has. */
export interface EngineOptions {
  readonly logger?: Logger;
  readonly conflicts?: SimulatedConflicts;
  /** Milliseconds that a statement may run. */
  readonly statementLimitMs?: number;
  /** Bytes that the rows of one statement may take. */
  readonly maxResultBytes?: number;
  readonly reserved?: ReservedNames;
}

/** A store of one database, which is empty at first and outlives the databases that are opened on it. */
export interface StoreUnderTest {
  open(options?: EngineOptions): Promise<OwnableDatabase>;
  /** Removes the store. Its databases are closed. */
  remove(): Promise<void>;
}

/** Makes an empty store of the engine under test. */
export type StoreFixture = () => Promise<StoreUnderTest>;

interface TestStore {
  /** Opens the database of the store; it is closed with the test. */
  open(options?: EngineOptions): Promise<OwnableDatabase>;
}

/** Runs a test with an empty database, which is closed and removed afterwards. */
export type WithDatabase = (
  work: (database: OwnableDatabase, store: TestStore) => Promise<void>,
  options?: EngineOptions,
) => Promise<void>;

export function databasesOf(fixture: StoreFixture): WithDatabase {
  return async (work, options) => {
    const store = await fixture();
    const opened: OwnableDatabase[] = [];
    const open = async (more?: EngineOptions): Promise<OwnableDatabase> => {
      const database = await store.open({ ...options, ...more });
      opened.push(database);
      return database;
    };
    try {
      await work(await open(), { open });
    } finally {
      for (const database of opened) await database.close();
      await store.remove();
    }
  };
}

/** Makes the tables of a test, which belong to the owner `test`. */
export async function createTables(database: OwnableDatabase, sql: string): Promise<void> {
  await database.migrate('test', [{ id: '001', sql }]);
}
