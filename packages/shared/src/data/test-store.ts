import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { EncryptedDatabase } from './encrypted-database.ts';
import type { EncryptedDatabaseOptions } from './encrypted-database-options.ts';

/** 32 bytes that no other content of a test happens to hold. */
export const KEY: Uint8Array = Uint8Array.from({ length: 32 }, (_, index) => (index * 37 + 11) & 0xff);

export interface TestStore {
  readonly folder: string;
  readonly file: string;
  /** Opens the database of this folder; closed with the test. */
  open(options?: Partial<EncryptedDatabaseOptions>): Promise<EncryptedDatabase>;
}

/** A folder for one database, gone after the test together with whatever it has open. */
export async function testStore(context: TestContext): Promise<TestStore> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'aico-store-'));
  const file = path.join(folder, 'aico.db');
  const opened: EncryptedDatabase[] = [];
  context.after(async () => {
    for (const database of opened) await database.close().catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  });
  return {
    folder,
    file,
    open: async (options) => {
      const database = await EncryptedDatabase.open({ file, key: KEY, ...options });
      opened.push(database);
      return database;
    },
  };
}
