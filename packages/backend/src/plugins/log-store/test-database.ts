import type { Database, MigrationReport, QueryResult, SqlParameters } from '@aico/shared/data';
import SqliteDatabase from 'better-sqlite3-multiple-ciphers';

/** SQLite in memory, through the two methods the log store uses; told to, it refuses to write. */
export class TestDatabase implements Pick<Database, 'execute' | 'migrate'> {
  readonly #database = new SqliteDatabase(':memory:');
  #refusal: Error | undefined;

  refuse(error: Error | undefined): void {
    this.#refusal = error;
  }

  async execute<R>(sql: string, params: SqlParameters = []): Promise<QueryResult<R>> {
    const statement = this.#database.prepare(sql);
    if (!statement.reader && this.#refusal !== undefined) throw this.#refusal;
    const rows = statement.reader ? (statement.all(params) as R[]) : [];
    const { changes, lastInsertRowid } = statement.reader
      ? { changes: 0, lastInsertRowid: undefined }
      : statement.run(params);
    return { rows, changes, lastRowId: lastInsertRowid, fetchAll: () => rows, fetchOne: () => rows[0] };
  }

  async migrate(owner: string, migrations: Parameters<Database['migrate']>[1]): Promise<MigrationReport> {
    for (const { sql } of migrations) this.#database.exec(sql);
    return { owner, applied: migrations.map(({ id }) => id), alreadyApplied: 0 };
  }

  async close(): Promise<void> {
    this.#database.close();
  }
}

export async function openTestDatabase(): Promise<TestDatabase> {
  return new TestDatabase();
}
