import { StatementRefusedError } from '../statements/errors.ts';
import { codeOf, explainedIn, keywordOf } from './sql-text.ts';
import type { Vocabulary } from './vocabulary.ts';

/** The kind of a statement by its text. For `maybe-read` the engine decides. */
interface StatementClass {
  readonly kind: 'read' | 'maybe-read' | 'write';
  /** It changes the schema, after which earlier prepared statements may return other columns. */
  readonly changesSchema: boolean;
}

/** The context of a statement: migrations have more rights, and statements of an owner fewer. */
type StatementPlace = 'statement' | 'migration' | 'owned';

/** Pragmas that only read, without an argument and with one. */
const READING = new Set(
  (
    'application_id cipher collation_list compile_options data_version encoding foreign_keys freelist_count ' +
    'function_list journal_mode max_page_count module_list page_count page_size pragma_list schema_version ' +
    'synchronous user_version wal_autocheckpoint'
  ).split(' '),
);
const READING_WITH_ARGUMENT = new Set(
  (
    'foreign_key_check foreign_key_list index_info index_list index_xinfo integrity_check quick_check table_info ' +
    'table_list table_xinfo'
  ).split(' '),
);
/** Pragmas that read the rows of every table, including those of other owners. */
const READING_ROWS = new Set(['foreign_key_check', 'integrity_check', 'quick_check']);

const REFUSED: Readonly<Record<string, string>> = {
  attach: 'a second database file would not be protected',
  detach: 'no other database is attached',
  vacuum: 'it rewrites the whole file or writes a copy: use vacuum() or a backup',
  begin: 'transactions are opened with transaction() or begin()',
  commit: 'a transaction is ended by its own commit()',
  end: 'a transaction is ended by its own commit()',
  rollback: 'a transaction is ended by its own rollback()',
  savepoint: 'a nested transaction() is a savepoint',
  release: 'a nested transaction() is a savepoint',
};

const READS = new Set(['select', 'values']);
const WRITES = new Set(['insert', 'replace', 'update', 'delete', 'analyze', 'reindex']);
const SCHEMA = new Set(['create', 'alter', 'drop']);

/**
 * Determines the kind of the statement `sql`.
 * @throws {StatementRefusedError} for text that is not a statement, or for a statement that would weaken the database's guarantees
 */
export function classifyStatement(
  sql: string,
  vocabulary: Vocabulary,
  place: StatementPlace = 'statement',
): StatementClass {
  const code = codeOf(sql);
  const refuse = (reason: string): never => {
    throw new StatementRefusedError(vocabulary.shapeOf(sql), reason);
  };
  if (sql.includes('\0')) refuse('it contains a NUL character');
  if (!sql.isWellFormed()) refuse('it contains a lone surrogate, which UTF-8 cannot encode');
  const keyword = keywordOf(sql);
  if (/\bsqlite3mc_\w+/i.test(code)) refuse('statements may not use functions of the cipher');
  if (keyword === 'pragma') return pragmaClass(code, place, refuse);
  if (keyword === 'explain') return explainClass(explainedIn(sql) ?? '', vocabulary, place, refuse);
  const reason = REFUSED[keyword];
  if (reason !== undefined) refuse(reason);
  if (READS.has(keyword)) return { kind: 'read', changesSchema: false };
  if (keyword !== 'with' && !WRITES.has(keyword) && !SCHEMA.has(keyword))
    refuse(
      keyword === '' ? 'it contains no statement' : 'it does not begin with an SQL keyword such as SELECT',
    );
  if (place === 'owned' && SCHEMA.has(keyword))
    refuse('the schema is changed by migrate(), which records the owners of tables');
  if (place !== 'statement' && (keyword === 'analyze' || keyword === 'reindex'))
    refuse('it affects the tables of other owners as well');
  if (/^\s*create\s+(?:temp|temporary)\b/i.test(code))
    refuse('a temporary table would exist on only one of several connections');
  const writes = keyword !== 'with' || /\b(?:insert|replace|update|delete)\b/i.test(code);
  if (writes && /\b_aico_\w+/i.test(code)) refuse('tables called _aico_… belong to the database itself');
  return {
    kind: keyword === 'with' ? 'maybe-read' : 'write',
    changesSchema: SCHEMA.has(keyword),
  };
}

/** Refuses to explain a pragma, because EXPLAIN executes it. */
function explainClass(
  explained: string,
  vocabulary: Vocabulary,
  place: StatementPlace,
  refuse: (reason: string) => never,
): StatementClass {
  if (/^(?:pragma|explain)$/.test(keywordOf(explained)))
    refuse('EXPLAIN accepts only queries and changes of rows');
  classifyStatement(explained, vocabulary, place);
  return { kind: 'read', changesSchema: false };
}

function pragmaClass(code: string, place: StatementPlace, refuse: (reason: string) => never): StatementClass {
  const found = /^\s*pragma\s+(?:\w+\s*\.\s*)?(\w+)([\s\S]*)$/i.exec(code);
  const name = found?.[1]?.toLowerCase() ?? '';
  const rest = found?.[2]?.replace(/;/g, '').trim() ?? '';
  const plain = { changesSchema: false };
  if (place === 'owned' && READING_ROWS.has(name))
    return refuse('it reads the tables of other owners as well');
  if (READING_WITH_ARGUMENT.has(name) && !rest.startsWith('=')) return { kind: 'read', ...plain };
  if (READING.has(name) && rest === '') return { kind: 'read', ...plain };
  // Rebuilding a table requires this setting, which ends with the transaction.
  if (place === 'migration' && name === 'defer_foreign_keys') return { kind: 'write', ...plain };
  return refuse(
    READING.has(name) || READING_WITH_ARGUMENT.has(name)
      ? `PRAGMA ${name} is allowed only in its reading form`
      : 'this PRAGMA does not only read',
  );
}
