import type { Connection } from '../driver.ts';

/** A table, index, view or trigger, and its owner. */
export interface SchemaObject {
  readonly type: 'table' | 'index' | 'view' | 'trigger';
  readonly name: string;
  /** The table an index or a trigger is on; its own name otherwise. */
  readonly table: string;
  readonly root: number;
  readonly sql: string | null;
  /** The owner of the table or view; for an index or trigger, that of its table. `null` if no migration created it. */
  readonly owner: string | null;
}

// SQLite itself compares the names here: it folds the case of ASCII letters, and JavaScript that of others too.
const OBJECTS =
  'SELECT s.type, s.name, s.tbl_name AS "table", s.rootpage AS root, s.sql, o.owner ' +
  'FROM main.sqlite_schema s LEFT JOIN main._aico_objects o ON o.name = s.tbl_name';

/** The schema as this connection sees it now, in its open transaction. */
export class SchemaView {
  readonly objects: readonly SchemaObject[];
  readonly #tableAt: ReadonlyMap<number, SchemaObject>;
  readonly #tables: ReadonlyMap<string, SchemaObject>;

  constructor(connection: Connection) {
    this.objects = connection.prepare<unknown[], SchemaObject>(OBJECTS).all();
    this.#tables = new Map(
      this.objects.filter(({ type }) => type === 'table').map((object) => [foldCase(object.name), object]),
    );
    const tableAt = new Map<number, SchemaObject>();
    for (const object of this.objects) {
      const table = this.#tables.get(foldCase(object.table));
      if (object.root > 1 && table !== undefined) tableAt.set(object.root, table);
    }
    this.#tableAt = tableAt;
  }

  /** The table of which the b-tree at `root` is, or an index of it. */
  tableAt(root: number): SchemaObject | undefined {
    return this.#tableAt.get(root);
  }

  table(name: string): SchemaObject | undefined {
    return this.#tables.get(foldCase(name));
  }

  virtualTables(): readonly SchemaObject[] {
    return this.objects.filter(isVirtual);
  }
}

export function isVirtual({ type, root, sql }: SchemaObject): boolean {
  return type === 'table' && root === 0 && sql !== null;
}

/** Names are compared as SQLite does: the case of ASCII letters does not count, that of all others does. */
export function foldCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
