import { reasonOf } from '@aico/protocol';
import type { Connection } from '../driver.ts';
import { explain } from '../sql/explain.ts';
import { quotedName } from '../sql/sql-text.ts';
import { authorise } from './authority.ts';
import { withSchemaAlone } from './own-schema.ts';
import type { Principal } from './principal.ts';
import { StatementNotAllowed, TableNotOwned } from './refusals.ts';
import { foldCase, isVirtual, type SchemaObject, SchemaView } from './schema-view.ts';
import { virtualTableProblem } from './virtual-tables.ts';

/** Names with a meaning in SQLite or this database: such a table would hide a function or look like an internal table. */
const RESERVED = /^(?:_?aico_|pragma_|jsonb?_(?:each|tree)$|dbstat$|fts5vocab$)/i;

/** The suffixes of shadow tables, which the allowed modules create for a virtual table. */
const SHADOW_SUFFIX = /_(?:config|content|data|docsize|idx|node|parent|rowid)$/i;

/**
 * Runs one statement of a migration in the open transaction, and records the owner of every new table and view.
 *
 * @param reserved names that only the backend's own migrations may use
 * @param before the schema before the statement
 * @returns the schema after it
 * @throws {TableNotOwned} @throws {StatementNotAllowed} @throws the driver's error
 */
export function runMigrationStatement(
  connection: Connection,
  principal: Principal,
  sql: string,
  reserved: readonly string[],
  before: SchemaView,
): SchemaView {
  if (!principal.trusted) authorise(connection, principal, sql, [], 'migration', before);
  const temporary = temporaryObjects(connection);
  const statement = connection.prepare(sql);
  if (statement.reader) statement.all();
  else statement.run();
  if (temporaryObjects(connection) !== temporary)
    throw new StatementNotAllowed('a temporary object would exist on only one of several connections');
  return new SchemaChange(connection, principal, before, reserved).record(sql);
}

/** The temporary objects of the connection, among which is one of the engine's own. */
function temporaryObjects(connection: Connection): string {
  return JSON.stringify(connection.prepare('SELECT name, sql FROM temp.sqlite_schema ORDER BY name').all());
}

class SchemaChange {
  readonly #connection: Connection;
  readonly #principal: Principal;
  readonly #before: SchemaView;
  readonly #reserved: ReadonlySet<string>;

  constructor(connection: Connection, principal: Principal, before: SchemaView, reserved: readonly string[]) {
    this.#connection = connection;
    this.#principal = principal;
    this.#before = before;
    this.#reserved = new Set(reserved.map(foldCase));
  }

  /** @returns the schema with the recorded owners */
  record(sql: string): SchemaView {
    const earlier = new Map(
      this.#before.objects.filter(isNotInternal).map((object) => [keyOf(object), object]),
    );
    let after = new SchemaView(this.#connection);
    const created = after.objects.filter(
      (object) => isOwnable(object) && isNotInternal(object) && !earlier.has(keyOf(object)),
    );
    for (const object of created) this.#recordOwner(object);
    if (created.length > 0) after = new SchemaView(this.#connection);
    for (const object of after.objects.filter(isNotInternal)) {
      const known = earlier.get(keyOf(object));
      earlier.delete(keyOf(object));
      if (known === undefined) this.#refuseUnlessOwn(object);
      else if (known.sql !== object.sql || known.table !== object.table) {
        // Renaming a table or column rewrites the views and triggers of all owners that refer to it.
        const renamed = /^\s*alter\b/i.test(sql) && (object.type === 'view' || object.type === 'trigger');
        if (!renamed) this.#refuseUnlessOwn(known);
      }
    }
    for (const gone of earlier.values()) {
      this.#refuseUnlessOwn(gone);
      if (isOwnable(gone))
        this.#connection.prepare('DELETE FROM _aico_objects WHERE name = ?').run(gone.name);
    }
    return after;
  }

  #recordOwner({ name }: SchemaObject): void {
    const { owner, trusted } = this.#principal;
    if (
      name.startsWith('_aico_') ||
      (!trusted && (RESERVED.test(name) || this.#reserved.has(foldCase(name))))
    )
      throw new StatementNotAllowed(`the name ${name} is reserved`);
    // An existing record belongs to an object that no longer exists: otherwise this one could not have been created.
    this.#connection
      .prepare('INSERT OR REPLACE INTO _aico_objects (name, owner) VALUES (?, ?)')
      .run(name, owner);
  }

  #refuseUnlessOwn(object: SchemaObject): void {
    const { owner } = this.#principal;
    if (object.owner === owner) return;
    const table = isOwnable(object) ? object.name : object.table;
    throw new TableNotOwned({ owner, table, tableOwner: object.owner, what: 'change' });
  }
}

/**
 * Checks the objects of an owner at the end of a migration: every view, trigger and foreign key compiles and uses only tables of
 * this owner. Others would make statements of other owners fail, because SQLite resolves all of them when any table is renamed,
 * and a foreign key restricts the table to which it refers.
 *
 * @param schema the present one
 * @throws {TableNotOwned} @throws {StatementNotAllowed}
 */
export function checkObjectsOf(connection: Connection, principal: Principal, schema: SchemaView): void {
  refuseForeignShadows(schema, principal);
  const shadows = new Set(
    connection
      .prepare<unknown[], string>(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'",
      )
      .pluck()
      .all(),
  );
  const own = schema.objects.filter(
    (object) => object.owner === principal.owner && isNotInternal(object) && !shadows.has(object.name),
  );
  for (const { name, table, type } of schema.objects)
    if (type === 'trigger' && shadows.has(table))
      throw new StatementNotAllowed(`trigger ${name} is on a shadow table of a virtual table`);
  for (const object of own) {
    const problem = isVirtual(object) ? virtualTableProblem(object, schema) : undefined;
    if (problem !== undefined) throw new StatementNotAllowed(`${object.name} is refused: ${problem}`);
    if (object.type === 'table' && !isVirtual(object))
      checkForeignKeys(connection, principal, object, schema);
  }
  withSchemaAlone(own, (alone) => {
    for (const object of own) if (isOwnable(object)) compileAll(connection, alone, principal, object, schema);
    renameTable(alone);
  });
}

/**
 * Refuses a virtual table whose name makes a table of another owner look like its shadow table, and the reverse. SQLite recognises
 * shadow tables by their names only, and refuses writes to them.
 */
function refuseForeignShadows(schema: SchemaView, { owner }: Principal): void {
  for (const table of schema.objects) {
    const virtual = schema.table(table.name.slice(0, Math.max(0, table.name.lastIndexOf('_'))));
    if (table.type !== 'table' || virtual === undefined || !isVirtual(virtual)) continue;
    if (table.owner === virtual.owner || (table.owner !== owner && virtual.owner !== owner)) continue;
    if (!SHADOW_SUFFIX.test(table.name)) continue;
    const foreign = table.owner === owner ? virtual : table;
    throw new TableNotOwned({ owner, table: foreign.name, tableOwner: foreign.owner, what: 'change' });
  }
}

function checkForeignKeys(
  connection: Connection,
  { owner }: Principal,
  { name }: SchemaObject,
  schema: SchemaView,
): void {
  const parents = connection
    .prepare<unknown[], string>('SELECT DISTINCT "table" FROM pragma_foreign_key_list(?)')
    .pluck()
    .all(name);
  for (const parent of parents) {
    const table = schema.table(parent);
    if (table === undefined)
      throw new StatementNotAllowed(`${name} refers to ${parent}, which does not exist`);
    if (table.owner !== owner)
      throw new TableNotOwned({ owner, table: parent, tableOwner: table.owner, what: 'refer to' });
  }
}

/** Compiles a read and all changes of a table or view, which also compiles its triggers, checks and generated columns. */
function compileAll(
  connection: Connection,
  alone: Connection,
  principal: Principal,
  object: SchemaObject,
  schema: SchemaView,
): void {
  const { name, type } = object;
  const virtual = isVirtual(object);
  const table = quotedName(name);
  const columns = connection
    .prepare<unknown[], string>('SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0')
    .pluck()
    .all(name)
    .map(quotedName);
  const statements = [`SELECT * FROM ${table}`];
  if (columns.length > 0)
    statements.push(
      `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => 'NULL').join(', ')})`,
      `UPDATE ${table} SET ${columns.map((column) => `${column} = ${column}`).join(', ')}`,
      `DELETE FROM ${table}`,
    );
  for (const sql of statements)
    try {
      authorise(connection, principal, sql, [], 'objects', schema);
      explain(alone, sql);
    } catch (error) {
      if (error instanceof TableNotOwned) throw error;
      const reason = reasonOf(error);
      // A view accepts only the changes for which it has a trigger, and fts5vocab accepts none.
      if (type === 'view' && /because it is a view/.test(reason)) continue;
      if (virtual && /may not be modified$/.test(reason)) continue;
      throw new StatementNotAllowed(`${type} ${name} cannot be used: ${reason}`);
    }
}

/**
 * Renames a table and a column in the schema of the owner, for which SQLite resolves every name in it. Compiling alone omits
 * names that cannot affect the result, as in `WHERE 0 AND EXISTS (SELECT 1 FROM another)`.
 */
function renameTable(alone: Connection): void {
  try {
    alone.exec(
      `CREATE TABLE _aico_one (a);
      ALTER TABLE _aico_one RENAME TO _aico_other;
      ALTER TABLE _aico_other RENAME COLUMN a TO b`,
    );
  } catch (error) {
    throw new StatementNotAllowed(`renaming a table would fail: ${reasonOf(error)}`);
  }
}

/** Tables and views have owners; indexes and triggers belong to the owner of their table. */
function isOwnable({ type }: SchemaObject): boolean {
  return type === 'table' || type === 'view';
}

function isNotInternal({ name }: SchemaObject): boolean {
  return !/^sqlite_/i.test(name);
}

function keyOf({ type, name }: SchemaObject): string {
  return `${type} ${name}`;
}
