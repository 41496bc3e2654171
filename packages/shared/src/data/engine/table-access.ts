import type { SqlValue } from '../types.ts';
import type { Connection } from './connection.ts';
import type { Arguments } from './statements.ts';

/** The tables a statement touches, also through views, triggers and foreign keys. */
export interface TableAccess {
  readonly reads: readonly string[];
  readonly writes: readonly string[];
}

/** One instruction of the program that the engine made of a statement. */
interface Instruction {
  readonly opcode: string;
  readonly p1: number;
  readonly p2: number;
  readonly p3: number;
  readonly p4: SqlValue;
  readonly p5: number;
}

interface SchemaEntry {
  readonly type: string;
  readonly name: string;
  readonly table: string;
  readonly root: number;
  readonly sql: string | null;
}

/** The page number is in a register: the table is only being made. */
const ROOT_IN_REGISTER = 0x10;

/**
 * Reads from the engine's own program what a statement touches, so that nothing of SQL has to be understood here. The
 * program does not name virtual tables: those count that the text names, or a view or trigger that it reaches.
 *
 * @throws the driver's error for a statement that cannot be run
 */
export function tablesOf(connection: Connection, sql: string, params: Arguments): TableAccess {
  const read = (): TableAccess => {
    // It runs, so that a schema changed elsewhere is noticed: explaining alone would go by the old one.
    const schema = connection
      .prepare<unknown[], SchemaEntry>(
        'SELECT type, name, tbl_name AS "table", rootpage AS root, sql FROM sqlite_schema',
      )
      .all();
    const program = connection.prepare<unknown[], Instruction>(`EXPLAIN ${sql}`).all(params);
    return accessOf(program, schema, sql);
  };
  return connection.inTransaction ? read() : connection.transaction(read)();
}

function accessOf(program: readonly Instruction[], schema: readonly SchemaEntry[], sql: string): TableAccess {
  const byRoot = new Map(schema.filter(({ root }) => root > 1).map(({ root, table }) => [root, table]));
  const reads = new Set<string>();
  const writes = new Set<string>();
  const touch = (set: Set<string>, root: number): void => {
    const table = byRoot.get(root);
    if (table !== undefined) set.add(table);
  };
  let virtual: Set<string> | undefined;
  for (const { opcode, p1, p2, p3, p4, p5 } of program)
    switch (opcode) {
      case 'OpenRead':
        if (p3 === 0) touch(reads, p2);
        break;
      case 'OpenWrite':
        if (p3 === 0 && (p5 & ROOT_IN_REGISTER) === 0) touch(writes, p2);
        break;
      case 'Clear':
      case 'Destroy':
        touch(writes, p1);
        break;
      case 'DropTable':
      case 'VDestroy':
        writes.add(String(p4));
        break;
      case 'VOpen':
        virtual ??= reads;
        break;
      case 'VUpdate':
        virtual = writes;
        break;
    }
  if (virtual !== undefined)
    for (const table of virtualTablesNamed(schema, sql, [...reads, ...writes])) virtual.add(table);
  return { reads: [...reads], writes: [...writes] };
}

function virtualTablesNamed(
  schema: readonly SchemaEntry[],
  sql: string,
  touched: readonly string[],
): readonly string[] {
  let text = sql.toLowerCase();
  const names = (name: string): boolean => text.includes(name.toLowerCase());
  const waiting = new Set(schema.filter(({ type }) => type === 'view' || type === 'trigger'));
  for (let found = true; found; ) {
    found = false;
    for (const entry of waiting)
      if (names(entry.type === 'view' ? entry.name : entry.table) || touched.includes(entry.table)) {
        waiting.delete(entry);
        text += ` ${entry.sql?.toLowerCase() ?? ''}`;
        found = true;
      }
  }
  return schema
    .filter(({ sql: made, name }) => made !== null && /^\s*create\s+virtual\b/i.test(made) && names(name))
    .map(({ name }) => name);
}
