import { TableNotOwnedError } from '../errors.ts';
import { type Principal, refuseForeign } from './ownership.ts';

/** A table, index, view or trigger as it stands in the schema. */
export interface SchemaObject {
  readonly type: string;
  readonly name: string;
  /** The table an index or a trigger is on; its own name otherwise. */
  readonly table: string;
  readonly sql: string | null;
}

/** What of the schema belongs to the engine and to the database itself. */
const INTERNAL = /^(?:sqlite_|_aico_)/i;

export interface SchemaChange {
  readonly created: readonly string[];
  readonly dropped: readonly string[];
}

/**
 * What a migration did to the schema.
 * @throws {TableNotOwnedError} when it changed or dropped what is another's, or put something on a table of another
 */
export function changeBetween(
  before: readonly SchemaObject[],
  after: readonly SchemaObject[],
  principal: Principal,
  owners: ReadonlyMap<string, string>,
): SchemaChange {
  const ownerOf = (name: string): string | undefined => owners.get(name.toLowerCase());
  const refuseIfForeign = (name: string): void => {
    const owner = ownerOf(name);
    if (owner !== undefined && owner !== principal.owner)
      throw new TableNotOwnedError(principal.owner, name, owner, 'change');
  };
  const known = new Map(before.map((object) => [object.name, object]));
  const left = new Set(after.map(({ name }) => name));
  const created: string[] = [];
  for (const object of after) {
    if (INTERNAL.test(object.name)) continue;
    const earlier = known.get(object.name);
    if (earlier !== undefined && earlier.sql === object.sql) continue;
    if (earlier !== undefined) refuseIfForeign(object.name);
    else created.push(object.name);
    refuseIfForeign(object.table);
    refuseUndeclaredInText(object, principal, owners);
  }
  const dropped = before.map(({ name }) => name).filter((name) => !INTERNAL.test(name) && !left.has(name));
  dropped.forEach(refuseIfForeign);
  return { created, dropped };
}

/**
 * A virtual table may take its rows from a table that only its arguments name, and a foreign key binds the rows of the
 * table it refers to: neither shows when statements run.
 */
function refuseUndeclaredInText(
  { type, sql }: SchemaObject,
  principal: Principal,
  owners: ReadonlyMap<string, string>,
): void {
  if (type !== 'table' || sql === null) return;
  const virtual = /^\s*create\s+virtual\b/i.test(sql);
  const text = virtual
    ? sql
    : (sql.match(/\breferences\s*("[^"]*"|`[^`]*`|\[[^\]]*\]|\w+)/gi) ?? []).join(' ');
  const named = new Set(text.toLowerCase().match(/[\w$]+/g) ?? []);
  for (const [table, owner] of owners) {
    if (
      owner === principal.owner ||
      !(named.has(table) || (/\W/.test(table) && text.toLowerCase().includes(table)))
    )
      continue;
    if (virtual) refuseForeign(principal, { reads: [table], writes: [] }, owners);
    else throw new TableNotOwnedError(principal.owner, table, owner, 'refer to');
  }
}
