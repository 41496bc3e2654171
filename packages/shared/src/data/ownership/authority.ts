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

/** The purpose of a check. `objects` checks an object of the schema, which may use tables of its owner only. */
type Purpose = 'statement' | 'migration' | 'objects';

/** The root page of the schema table. */
const SCHEMA_ROOT = 1;
/** Flag: the page number is in a register, because the statement itself creates the table. */
const ROOT_IN_REGISTER = 0x10;
/** SQLite's table of AUTOINCREMENT counters. */
const SEQUENCES = 'sqlite_sequence';
/** `CREATE TABLE` reads the new table, to check whether its generated columns refer to each other. */
const TRIAL_READ = /^SELECT\*FROM"main"\."(?:[^"]|"")*"$/;

/**
 * Decides whether a statement may run with the rights of an owner. It examines the program that SQLite compiles from the
 * statement, on the same connection and in the same transaction. The program contains the accesses of views, triggers, foreign
 * keys and subqueries as well. A program with unknown instructions is refused.
 *
 * @param known the schema, if the caller has just read it
 * @throws {TableNotOwned} @throws {StatementNotAllowed} @throws the driver's error for a statement that cannot be run
 */
export function authorise(
  connection: Connection,
  principal: Principal,
  sql: string,
  args: BoundParameters,
  purpose: Purpose = 'statement',
  known?: SchemaView,
): void {
  // `classifyStatement` allows only pragmas that read the schema. EXPLAIN would execute a pragma.
  if (keywordOf(sql) === 'pragma') return;
  // Reads the schema first: SQLite notices a changed schema only when it runs a statement, and EXPLAIN would use the old one.
  const schema = known ?? new SchemaView(connection);
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
          // ALTER TABLE also searches the empty temporary schema for names to change.
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
      if (!inMigration) throw new StatementNotAllowed('it creates a table');
      return;
    }
    if (root === SCHEMA_ROOT && (inMigration || (what === 'read' && database === 0))) return;
    if (database !== 0) throw new StatementNotAllowed('it uses a database other than the main one');
    const table = this.#schema.tableAt(root);
    if (table === undefined)
      throw new StatementNotAllowed(`it opens page ${root}, which belongs to no known table`);
    if (table.name === SEQUENCES && (this.#principal.trusted || this.#usesCountersImplicitly())) return;
    this.#refuseUnlessOpen(table, what);
  }

  #openVirtual(address: SqlValue, what: 'read' | 'write'): void {
    // ALTER TABLE … ADD COLUMN … NOT NULL checks the existing rows.
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
    if (problem !== undefined) throw new StatementNotAllowed(`${table.name} cannot be used: ${problem}`);
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
   * Whether the statement opens the table of counters only to insert into a table with AUTOINCREMENT. Otherwise the name of the
   * table occurs in its text, or in that of a view or trigger within reach, because SQL cannot compute names.
   */
  #usesCountersImplicitly(): boolean {
    const names = (sql: string | null): boolean => sql !== null && foldCase(sql).includes(SEQUENCES);
    const { owner, writes, reads } = this.#principal;
    const reachable = [owner, ...writes, ...reads];
    return !(
      names(this.#sql) ||
      this.#schema.objects.some(
        ({ type, sql, owner: objectOwner }) =>
          (type === 'view' || type === 'trigger') &&
          objectOwner !== null &&
          reachable.includes(objectOwner) &&
          names(sql),
      )
    );
  }
}

/**
 * Checks the limits that apply to the backend itself as well: no temporary objects, which only one of several connections would
 * see, and no changes to the database's own tables.
 *
 * @throws {StatementNotAllowed}
 */
export function protectStore(connection: Connection, sql: string, args: BoundParameters): void {
  if (explainedIn(sql) !== undefined || keywordOf(sql) === 'pragma') return;
  const program = explain(connection, sql, args);
  const parsed = program.filter(({ opcode }) => opcode === 'ParseSchema');
  // ALTER TABLE parses both schemas again, the main and the temporary one.
  if (parsed.length > 0 && parsed.every(({ p1 }) => p1 !== 0))
    throw new StatementNotAllowed('a temporary object would exist on only one of several connections');
  const schema = new SchemaView(connection);
  for (const { opcode, p1, p2 } of program) {
    const root = opcode === 'OpenWrite' ? p2 : opcode === 'Clear' || opcode === 'Destroy' ? p1 : SCHEMA_ROOT;
    if (/^_aico_/i.test(schema.tableAt(root)?.name ?? ''))
      throw new StatementNotAllowed('tables called _aico_… belong to the database itself');
  }
}
