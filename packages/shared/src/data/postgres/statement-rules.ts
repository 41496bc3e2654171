import { StatementRefusedError } from '../statements/errors.ts';
import type { InspectedStatement } from '../statements/statement-registry.ts';
import { ALLOWED_FUNCTIONS } from './functions.ts';
import { isKeyword, nameOf, type Token } from './tokens.ts';
import { translate } from './translation.ts';

const READS = new Set(['select', 'values']);
const WRITES = new Set(['insert', 'update', 'delete']);
const SCHEMA = new Set(['create', 'alter', 'drop']);
/** Statements about the schema that only the backend itself uses. */
const TRUSTED = new Set(['comment', 'truncate', 'analyze', 'lock']);
/** The kinds of objects that the migration of a plugin may create, change or drop. */
const OWN_OBJECTS = new Set(['table', 'index', 'view', 'sequence', 'unique']);

const REASONS: Readonly<Record<string, string>> = {
  begin: 'transactions are opened with transaction() or begin()',
  start: 'transactions are opened with transaction() or begin()',
  commit: 'a transaction is ended by its own commit()',
  end: 'a transaction is ended by its own commit()',
  rollback: 'a transaction is ended by its own rollback()',
  abort: 'a transaction is ended by its own rollback()',
  savepoint: 'a nested transaction() is a savepoint',
  release: 'a nested transaction() is a savepoint',
  set: 'a setting would remain on a connection that others use',
  reset: 'a setting would remain on a connection that others use',
  discard: 'a setting would remain on a connection that others use',
  vacuum: "PostgreSQL's autovacuum does it",
  copy: 'rows are read by stream() and written by INSERT',
  notify: 'NOTIFY inside a commit takes a lock of the whole database',
};

/** A statement of the backend itself, of a plugin, or of the migrations of either. */
export type StatementPlace = 'statement' | 'owned' | 'migration' | 'trusted-migration';

interface Rules {
  /** The shape of the statement, for errors. */
  readonly shapeOf: (sql: string) => string;
  /** The names of the functions of the server. */
  readonly serverFunctions: ReadonlySet<string>;
}

/**
 * Determines the kind of a statement and translates it.
 * @param place where the statement comes from; those of the backend itself may use more
 * @throws {StatementRefusedError} for text that is not a statement, or for a statement that would weaken the database's guarantees
 */
export function inspectStatement(
  sql: string,
  place: StatementPlace,
  rules: Rules,
): InspectedStatement & { readonly text: string } {
  const refuse = (reason: string): never => {
    throw new StatementRefusedError(rules.shapeOf(sql), reason);
  };
  if (sql.includes('\0')) refuse('it contains a NUL character');
  if (!sql.isWellFormed()) refuse('it contains a lone surrogate, which UTF-8 cannot encode');
  const { tokens, placeholders, text } = translate(sql);
  const unfinished = tokens.find(({ kind }) => kind === 'unfinished');
  if (unfinished !== undefined) refuse('a string, a quoted name or a comment in it does not end');
  const inner = tokens.slice(0, isSymbol(tokens.at(-1), ';') ? -1 : undefined);
  if (inner.length === 0) refuse('it contains no statement');
  if (inner.some((token) => isSymbol(token, ';'))) refuse('it is not exactly one statement');
  if (inner.some((token, at) => isSymbol(token, '$') && inner[at + 1]?.kind === 'number'))
    refuse('placeholders are written as ?, ?1 or :name');
  const keyword = nameOf(inner[0]) ?? '';
  const kind = kindOf(inner, keyword, place, refuse);
  refuseMixedCase(inner, refuse);
  if (kind === 'write') refuseInternalTables(inner, refuse);
  if (place === 'owned' || place === 'migration') refuseEscapes(inner, rules.serverFunctions, refuse);
  return { kind, changesSchema: SCHEMA.has(keyword), placeholders, text };
}

function kindOf(
  tokens: readonly Token[],
  keyword: string,
  place: StatementPlace,
  refuse: (reason: string) => never,
): 'read' | 'write' {
  if (keyword === 'explain') {
    const explained = nameOf(tokens[1]) ?? '';
    if (!READS.has(explained) && !WRITES.has(explained) && explained !== 'with')
      refuse('EXPLAIN accepts only queries and changes of rows, without options');
    return 'read';
  }
  if (READS.has(keyword)) return locksRows(tokens) ? 'write' : 'read';
  if (keyword === 'with')
    return tokens.some((token) => isKeyword(token, 'insert', 'update', 'delete', 'merge')) ||
      locksRows(tokens)
      ? 'write'
      : 'read';
  if (WRITES.has(keyword)) return 'write';
  if (SCHEMA.has(keyword)) {
    if (place === 'owned') refuse('the schema is changed by migrate(), which records the owners of tables');
    if (tokens.slice(1, 4).some((token) => isKeyword(token, 'temp', 'temporary')))
      refuse('a temporary table would exist on only one of several connections');
    if (place === 'migration' && !OWN_OBJECTS.has(nameOf(tokens[1]) ?? ''))
      refuse('a migration creates, changes and drops only tables, indexes, views and sequences');
    return 'write';
  }
  if (place !== 'owned' && place !== 'migration' && TRUSTED.has(keyword)) return 'write';
  return refuse(
    REASONS[keyword] ?? 'it does not begin with an SQL keyword that is allowed here, such as SELECT',
  );
}

/** Whether a query locks rows: FOR UPDATE, FOR NO KEY UPDATE, FOR SHARE, FOR KEY SHARE. */
function locksRows(tokens: readonly Token[]): boolean {
  return tokens.some(
    (token, at) => isKeyword(token, 'for') && isKeyword(tokens[at + 1], 'update', 'no', 'share', 'key'),
  );
}

/** Unquoted names are folded to lower case, so a row would not have the column under the name that the statement shows. */
function refuseMixedCase(tokens: readonly Token[], refuse: (reason: string) => never): void {
  for (const [at, { kind, text }] of tokens.entries())
    if (kind === 'word' && /^[a-z_].*[A-Z]/.test(text) && !isSymbol(tokens[at + 1], '('))
      refuse(
        'PostgreSQL folds names without quotes to lower case: write a name with upper case in double quotes',
      );
}

function refuseInternalTables(tokens: readonly Token[], refuse: (reason: string) => never): void {
  if (tokens.some((token) => /^_aico_/i.test(nameOf(token) ?? '')))
    refuse('tables called _aico_… belong to the database itself');
}

/** Refuses the parts of statements by which an owner could gain the rights of another, or leave a mark on the connection. */
function refuseEscapes(
  tokens: readonly Token[],
  serverFunctions: ReadonlySet<string>,
  refuse: (reason: string) => never,
): void {
  for (const [at, token] of tokens.entries()) {
    if (token.kind === 'escaped') refuse('strings and names with Unicode escapes are not allowed here');
    if (isKeyword(token, 'into') && !isKeyword(tokens[at - 1], 'insert', 'ignore', 'merge'))
      refuse('SELECT INTO creates a table: use a migration');
    if (
      isKeyword(
        token,
        'function',
        'procedure',
        'trigger',
        'rule',
        'policy',
        'owner',
        'tablespace',
        'language',
      )
    )
      if (isKeyword(tokens[0], 'create', 'alter', 'drop'))
        refuse(`migrations of plugins may not use ${token.text.toUpperCase()}`);
    const name = nameOf(token);
    if (name === undefined || !isSymbol(tokens[at + 1], '(')) continue;
    if (serverFunctions.has(name) && !ALLOWED_FUNCTIONS.has(name))
      refuse(`it calls ${name}, which is not allowed here`);
  }
}

export function isSymbol(token: Token | undefined, text: string): boolean {
  return token?.kind === 'symbol' && token.text === text;
}
