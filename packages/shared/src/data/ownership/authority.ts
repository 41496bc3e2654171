import type { Connection } from '../driver.ts';
import { explain, type Instruction } from '../sql/explain.ts';
import { explainedIn, keywordOf } from '../sql/sql-text.ts';
import type { BoundParameters } from '../statements/bound-parameters.ts';
import type { SqlValue } from '../types.ts';
import { isKnownFunction, isKnownOpcode } from './opcodes.ts';
import type { Principal } from './principal.ts';
import { StatementNotAllowed, TableNotOwned } from './refusals.ts';
import { foldCase, type SchemaObject, SchemaView } from './schema-view.ts';
import { virtualTableProblem, virtualTablesByAddress } from './virtual-tables.ts';

/** The purpose that a statement is checked for. `objects`: a thing that stays in the schema, which may reach its owner's own alone. */
export type Purpose = 'statement' | 'migration' | 'objects';

/** The page of the schema itself, in each database. */
const SCHEMA_ROOT = 1;
/** The page number is in a register: the table is only being made. */
const ROOT_IN_REGISTER = 0x10;
const SEQUENCES = 'sqlite_sequence';
/** `CREATE TABLE` reads the empty table that it has made, to see whether its generated columns refer to each other. */
const TRIAL_READ = /^SELECT\*FROM"main"\."(?:[^"]|"")*"$/;

/**
 * Decides whether a statement may run under an owner's name, by the program that SQLite compiles from it on the same
 * connection, inside the transaction it will run in. The program also contains the accesses of views, triggers, foreign keys
 * and subqueries, regardless of the text. Unclear programs are refused.
 *
 * @throws {TableNotOwned} @throws {StatementNotAllowed} @throws the driver's error for a statement that cannot be run
 */
export function authorise(
  connection: Connection,
  principal: Principal,
  sql: string,
  args: BoundParameters,
  purpose: Purpose = 'statement',
): void {
  // The guard lets those pragmas through that only tell of the schema. To explain one would be to carry it out.
  if (keywordOf(sql) === 'pragma') return;
  // A statement that runs makes SQLite notice a schema that changed; explaining alone would go by the old one.
  const schema = new SchemaView(connection);
  const compiled = explainedIn(sql) ?? sql;
  const program = explain(connection, compiled, args);
  new Examination(connection, principal, schema, compiled, purpose).examine(program);
}

class Examination {
  readonly #connection: Connection;
  readonly #principal: Principal;
  readonly #schema: SchemaView;
  readonly #sql: string;
  readonly #purpose: Purpose;
  #virtual: ReadonlyMap<string, SchemaObject | 'function'> | undefined;

  constructor(
    connection: Connection,
    principal: Principal,
    schema: SchemaView,
    sql: string,
    purpose: Purpose,
  ) {
    this.#connection = connection;
    this.#principal = principal;
    this.#schema = schema;
    this.#sql = sql;
    this.#purpose = purpose;
  }

  examine(program: readonly Instruction[]): void {
    const inMigration = this.#purpose === 'migration';
    for (const instruction of program) {
      const { opcode, p1, p2, p3, p4 } = instruction;
      if (!isKnownOpcode(opcode, inMigration))
        throw new StatementNotAllowed(`it needs SQLite's instruction ${opcode}, which is not allowed here`);
      switch (opcode) {
        case 'Transaction':
          // ALTER TABLE looks through the temporary schema, which is empty, for what it has to rename.
          if (p1 !== 0 && !inMigration)
            throw new StatementNotAllowed('it uses a database other than the main one');
          break;
        case 'OpenRead':
        case 'ReopenIdx':
          this.#open(p2, p3, 'read', instruction);
          break;
        case 'OpenWrite':
          this.#open(p2, p3, 'write', instruction);
          break;
        case 'Clear':
          this.#open(p1, p2, 'write', instruction);
          break;
        case 'Destroy':
          if ((instruction.p5 & ROOT_IN_REGISTER) === 0) this.#open(p1, p3, 'write', instruction);
          break;
        case 'SqlExec':
          if (!TRIAL_READ.test(String(p4)))
            throw new StatementNotAllowed(
              'SQLite would run a further statement for it, which is not allowed here',
            );
          break;
        case 'VOpen':
          this.#openVirtual(p4, 'read');
          break;
        case 'VUpdate':
          this.#openVirtual(p4, 'write');
          break;
        case 'Function':
        case 'PureFunc':
        case 'AggStep':
        case 'AggStep1':
        case 'AggInverse':
        case 'AggValue':
        case 'AggFinal':
          if (!isKnownFunction(String(p4), inMigration))
            throw new StatementNotAllowed(`it calls ${String(p4)}, which is not allowed here`);
      }
    }
  }

  #open(root: number, database: number, what: 'read' | 'write', { opcode, p5 }: Instruction): void {
    const inMigration = this.#purpose === 'migration';
    if (opcode === 'OpenWrite' && (p5 & ROOT_IN_REGISTER) !== 0) {
      if (!inMigration) throw new StatementNotAllowed('it makes a table');
      return;
    }
    if (root === SCHEMA_ROOT && (inMigration || (what === 'read' && database === 0))) return;
    if (database !== 0) throw new StatementNotAllowed('it uses a database other than the main one');
    const table = this.#schema.tableAt(root);
    if (table === undefined) throw new StatementNotAllowed(`it opens page ${root}, which is no table known`);
    if (table.name === SEQUENCES && (this.#principal.trusted || this.#keepsCountOnly())) return;
    this.#refuseUnlessOpen(table, what);
  }

  #openVirtual(address: SqlValue, what: 'read' | 'write'): void {
    // ALTER TABLE … ADD COLUMN … NOT NULL has the rows that are there checked.
    const checksRows = this.#purpose === 'migration' && keywordOf(this.#sql) === 'alter';
    const further = checksRows ? ['pragma_quick_check'] : [];
    this.#virtual ??= virtualTablesByAddress(this.#connection, this.#schema, further);
    const table = this.#virtual.get(String(address));
    if (table === undefined)
      throw new StatementNotAllowed('it uses a virtual table or table-valued function that is not allowed');
    if (table === 'function') {
      if (what === 'read') return;
      throw new StatementNotAllowed('it writes to a table-valued function');
    }
    this.#refuseUnlessOpen(table, what);
    const problem = virtualTableProblem(table, this.#schema);
    if (problem !== undefined) throw new StatementNotAllowed(`${table.name} is closed: ${problem}`);
  }

  #refuseUnlessOpen(table: SchemaObject, what: 'read' | 'write'): void {
    const { owner, reads, writes } = this.#principal;
    if (table.owner === owner) return;
    if (table.owner !== null && this.#purpose !== 'objects') {
      if (writes.includes(table.owner)) return;
      if (what === 'read' && reads.includes(table.owner)) return;
    }
    throw new TableNotOwned({ owner, table: table.name, tableOwner: table.owner, what });
  }

  /**
   * Whether the counters of AUTOINCREMENT are opened only because a table that the statement inserts into has one. A name
   * cannot be made up while a statement runs, so a statement that names the table spells it out: in its text, or in a view or
   * trigger that it reaches.
   */
  #keepsCountOnly(): boolean {
    const spells = (sql: string | null): boolean => sql !== null && foldCase(sql).includes(SEQUENCES);
    const { owner, writes, reads } = this.#principal;
    const reachable = [owner, ...writes, ...reads];
    return !(
      spells(this.#sql) ||
      this.#schema.objects.some(
        ({ type, sql, owner: whose }) =>
          (type === 'view' || type === 'trigger') &&
          whose !== null &&
          reachable.includes(whose) &&
          spells(sql),
      )
    );
  }
}

/**
 * Limits that hold for the root as well: nothing temporary, which one connection of several would see, and no change to the
 * tables in which the store keeps its own record.
 *
 * @throws {StatementNotAllowed}
 */
export function protectStore(connection: Connection, sql: string, args: BoundParameters): void {
  if (explainedIn(sql) !== undefined || keywordOf(sql) === 'pragma') return;
  const program = explain(connection, sql, args);
  const parsed = program.filter(({ opcode }) => opcode === 'ParseSchema');
  // ALTER TABLE has both parsed anew, the main one and the temporary one.
  if (parsed.length > 0 && parsed.every(({ p1 }) => p1 !== 0))
    throw new StatementNotAllowed('a temporary object would be seen by one connection of several');
  const schema = new SchemaView(connection);
  for (const { opcode, p1, p2 } of program) {
    const root = opcode === 'OpenWrite' ? p2 : opcode === 'Clear' || opcode === 'Destroy' ? p1 : SCHEMA_ROOT;
    if (/^_aico_/i.test(schema.tableAt(root)?.name ?? ''))
      throw new StatementNotAllowed('tables called _aico_… belong to the database itself');
  }
}
