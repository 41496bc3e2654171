import type { Connection } from '../driver.ts';

/** A table, index, view or trigger, and its owner. */
export interface SchemaObject {
  readonly type: 'table' | 'index' | 'view' | 'trigger';
  readonly name: string;
  /** The table of an index or trigger; otherwise the same as `name`. */
  readonly table: string;
  readonly root: number;
  readonly sql: string | null;
  /** The owner of the table or view; for an index or trigger, that of its table. `null` if no migration created it. */
  readonly owner: string | null;
}

// SQLite compares the names, because it ignores the case of ASCII letters only.
const OBJECTS =
  'SELECT s.type, s.name, s.tbl_name AS "table", s.rootpage AS root, s.sql, o.owner ' +
  'FROM main.sqlite_schema s LEFT JOIN main._aico_objects o ON o.name = s.tbl_name';

/** A snapshot of the schema, as this connection sees it in its open transaction. */
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

  /** The table whose b-tree, or that of one of its indexes, has the page `root` as its root. */
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

/** Folds the case of a name for comparison as SQLite does: only of ASCII letters. */
export function foldCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
