import type { Connection } from '../driver.ts';
import { explain } from '../sql/explain.ts';
import { quotedName } from '../sql/sql-text.ts';
import { TABLE_FUNCTIONS } from './opcodes.ts';
import { isVirtual, type SchemaObject, type SchemaView } from './schema-view.ts';

/**
 * The virtual tables of this connection by the text that identifies them in programs, which is an address in memory. It is valid
 * until the schema changes, so it is read for each statement.
 *
 * @param further additional table-valued functions that the statement may use
 */
export function virtualTablesByAddress(
  connection: Connection,
  schema: SchemaView,
  further: readonly string[] = [],
): ReadonlyMap<string, SchemaObject | 'function'> {
  const found = new Map<string, SchemaObject | 'function'>();
  const add = (name: string, object: SchemaObject | 'function'): void => {
    const address = addressOf(connection, name);
    if (address !== undefined) found.set(address, object);
  };
  for (const name of [...TABLE_FUNCTIONS, ...further]) add(name, 'function');
  // A table hides a function of the same name, so tables come last.
  for (const object of schema.virtualTables()) add(`main.${quotedName(object.name)}`, object);
  return found;
}

/** `undefined` if it cannot be opened. Addresses that are not in the map are refused. */
function addressOf(connection: Connection, name: string): string | undefined {
  try {
    const open = explain(connection, `SELECT 1 FROM ${name}`).find(({ opcode }) => opcode === 'VOpen');
    return typeof open?.p4 === 'string' ? open.p4 : undefined;
  } catch {
    return undefined;
  }
}

const NAME = String.raw`(?:\w+|"(?:[^"]|"")*"|'(?:[^']|'')*'|\`(?:[^\`]|\`\`)*\`|\[[^\]]*\])`;
const DECLARATION = new RegExp(
  String.raw`^\s*create\s+virtual\s+table\s+(?:if\s+not\s+exists\s+)?${NAME}\s+using\s+(\w+)\s*(?:\(([\s\S]*)\))?\s*$`,
  'i',
);
const OPTION = /^\s*([a-z_0-9]+)\s*=\s*(?:'([^']*)'|"([^"]*)"|(\w*))\s*$/i;
const WORD = /^\s*(?:'(\w+)'|"(\w+)"|(\w+))\s*$/;
const FTS5_OPTIONS = new Set([
  'columnsize',
  'content',
  'content_rowid',
  'contentless_delete',
  'contentless_unindexed',
  'detail',
  'locale',
  'prefix',
  'tokendata',
  'tokenize',
]);

/**
 * The reason why a virtual table may not be used, if there is one. Its module can read tables with statements of its own, which
 * do not appear in programs. So only a few modules are allowed, in an unambiguous form, and only on ordinary tables or full-text
 * indexes of the same owner.
 */
export function virtualTableProblem(object: SchemaObject, schema: SchemaView): string | undefined {
  const [, module = '', text = ''] = DECLARATION.exec(object.sql ?? '') ?? [];
  const parts = text.split(',');
  const own = (name: string, virtual: boolean): string | undefined => {
    const source = schema.table(name);
    if (source !== undefined && source.owner === object.owner && isVirtual(source) === virtual)
      return undefined;
    return `its content comes from ${name}, which is not a ${virtual ? 'virtual ' : ''}table of the same owner`;
  };
  switch (module.toLowerCase()) {
    case 'rtree':
    case 'rtree_i32':
    case 'geopoly':
      return undefined;
    case 'fts5vocab': {
      const names = parts.map((part) => WORD.exec(part)?.slice(1).find(Boolean));
      const [table] = names;
      return names.length === 2 && table !== undefined && names[1] !== undefined
        ? own(table, true)
        : 'fts5vocab is allowed as fts5vocab(table, type), with plain names';
    }
    case 'fts5':
      break;
    case 'fts3':
    case 'fts4':
      return 'FTS3 and FTS4 are not allowed any more: create an FTS5 table in a new migration, and fill it from the indexed table';
    default:
      return module === ''
        ? 'its declaration has an unknown form'
        : `its module ${module} is not one of fts5, fts5vocab, rtree and geopoly`;
  }
  if (!text.includes('=')) return undefined;
  // The start of a comment depends on quoting, and FTS5's quoting differs from SQLite's.
  if (/--|\/\*/.test(text)) return 'its options contain a comment';
  for (const part of parts) {
    if (!part.includes('=')) continue;
    const [, name = '', ...values] = OPTION.exec(part) ?? [];
    // FTS5 accepts abbreviated names of options.
    if (!FTS5_OPTIONS.has(name.toLowerCase()))
      return `"${part.trim()}" is not an option of FTS5 written as name = 'value'`;
    const value = values.find((each) => each !== undefined) ?? '';
    if (name.toLowerCase() !== 'content' || value === '') continue;
    const problem = own(value, false);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
