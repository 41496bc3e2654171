import type { Database } from '@aico/shared/data';
import { type Generated, kyselyFor } from '@aico/shared/data/kysely';

/** The tables that the plugin's migrations create. A query of any other table or column does not compile. */
interface Tables {
  table_name: { id: Generated<number>; column1: string; column2: string | null };
}

export class TypedQueries {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async rename(from: string, to: string): Promise<bigint> {
    return await this.#db.transaction(async (tx) => {
      const tables = kyselyFor<Tables>(tx);
      const { numUpdatedRows } = await tables
        .updateTable('table_name')
        .set({ column1: to })
        .where('column1', '=', from)
        .executeTakeFirstOrThrow();
      return numUpdatedRows;
    });
  }

  /** Several reads of one moment, whatever is written meanwhile; it keeps no writer waiting. */
  async overview(): Promise<{ count: number; newest: string | undefined }> {
    return await this.#db.transaction(
      async (tx) => {
        const rows = kyselyFor<Tables>(tx).selectFrom('table_name');
        const { count } = await rows
          .select(({ fn }) => fn.countAll<number>().as('count'))
          .executeTakeFirstOrThrow();
        const newest = await rows.select('column1').orderBy('id', 'desc').executeTakeFirst();
        return { count, newest: newest?.column1 };
      },
      { readOnly: true },
    );
  }
}
