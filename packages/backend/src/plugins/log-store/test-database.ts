import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Database, EncryptedDatabase, type QueryResult, type SqlParameters } from '@aico/shared/data';

/** A real encrypted database in a folder of its own, which can be told to refuse writes. */
export class TestDatabase implements Pick<Database, 'execute' | 'migrate'> {
  readonly #database: Database;
  readonly #folder: string;
  #refusal: Error | undefined;

  constructor(database: Database, folder: string) {
    this.#database = database;
    this.#folder = folder;
  }

  refuse(error: Error | undefined): void {
    this.#refusal = error;
  }

  async execute<R>(sql: string, params?: SqlParameters): Promise<QueryResult<R>> {
    if (this.#refusal !== undefined && /^\s*INSERT/.test(sql)) throw this.#refusal;
    return this.#database.execute<R>(sql, params);
  }

  migrate(...args: Parameters<Database['migrate']>): ReturnType<Database['migrate']> {
    return this.#database.migrate(...args);
  }

  async close(): Promise<void> {
    await this.#database.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

export async function openTestDatabase(): Promise<TestDatabase> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aico-log-store-'));
  const database = await EncryptedDatabase.open({ file: path.join(folder, 'aico.db'), key: randomBytes(32) });
  return new TestDatabase(database, folder);
}
