import { StatementRefusedError } from '../statements/errors.ts';
import { codeOf, explainedIn, keywordOf } from './sql-text.ts';
import type { Vocabulary } from './vocabulary.ts';

/** The kind of a statement, as far as its text tells; the engine has the last word on `maybe-read`. */
export interface StatementClass {
  readonly kind: 'read' | 'maybe-read' | 'write';
  /** It changes the schema, after which what was prepared before may read other columns. */
  readonly changesSchema: boolean;
}

/** Where a statement is to run: a migration may do a little more, a statement in an owner's name a little less. */
export type StatementPlace = 'statement' | 'migration' | 'owned';

/** Pragmas that only tell, and those of them that take an argument. */
const TELLING = new Set(
  (
    'application_id cipher collation_list compile_options data_version encoding foreign_keys freelist_count ' +
    'function_list journal_mode max_page_count module_list page_count page_size pragma_list schema_version ' +
    'synchronous user_version wal_autocheckpoint'
  ).split(' '),
);
const TELLING_OF = new Set(
  (
    'foreign_key_check foreign_key_list index_info index_list index_xinfo integrity_check quick_check table_info ' +
    'table_list table_xinfo'
  ).split(' '),
);
/** They read every row of every table, also those of others. */
const READING_ROWS = new Set(['foreign_key_check', 'integrity_check', 'quick_check']);

const REFUSED: Readonly<Record<string, string>> = {
  attach: 'the database is one encrypted file; another file would be outside its protection',
  detach: 'nothing is attached',
  vacuum: 'it rewrites the whole file, and with INTO it writes a copy',
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
 * Tells which kind of statement `sql` is.
 * @throws {StatementRefusedError} when it is none, or one that would weaken the store's promises
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
  if (!sql.isWellFormed()) refuse('it contains half of a surrogate pair, which UTF-8 cannot express');
  const keyword = keywordOf(sql);
  if (/\bsqlite3mc_\w+/i.test(code)) refuse('functions of the cipher are not for use in statements');
  if (keyword === 'pragma') return pragmaClass(code, place, refuse);
  if (keyword === 'explain') return explainClass(explainedIn(sql) ?? '', vocabulary, place, refuse);
  const reason = REFUSED[keyword];
  if (reason !== undefined) refuse(reason);
  if (READS.has(keyword)) return { kind: 'read', changesSchema: false };
  if (keyword !== 'with' && !WRITES.has(keyword) && !SCHEMA.has(keyword))
    refuse(
      keyword === ''
        ? 'there is no statement in it'
        : 'it does not begin with a keyword of SQL such as SELECT',
    );
  if (place === 'owned' && SCHEMA.has(keyword))
    refuse('schema changes go through migrate(), which records whom the tables belong to');
  if (place !== 'statement' && (keyword === 'analyze' || keyword === 'reindex'))
    refuse('it concerns the tables of others as well');
  if (/^\s*create\s+(?:temp|temporary)\b/i.test(code))
    refuse('a temporary table would be seen by one connection of several');
  const writes = keyword !== 'with' || /\b(?:insert|replace|update|delete)\b/i.test(code);
  if (writes && /\b_aico_\w+/i.test(code)) refuse('tables called _aico_… belong to the database itself');
  return {
    kind: keyword === 'with' ? 'maybe-read' : 'write',
    changesSchema: SCHEMA.has(keyword),
  };
}

/** To explain a pragma is to carry it out. */
function explainClass(
  explained: string,
  vocabulary: Vocabulary,
  place: StatementPlace,
  refuse: (reason: string) => never,
): StatementClass {
  if (/^(?:pragma|explain)$/.test(keywordOf(explained)))
    refuse('only queries and changes of rows are explained');
  classifyStatement(explained, vocabulary, place);
  return { kind: 'read', changesSchema: false };
}

function pragmaClass(code: string, place: StatementPlace, refuse: (reason: string) => never): StatementClass {
  const found = /^\s*pragma\s+(?:\w+\s*\.\s*)?(\w+)([\s\S]*)$/i.exec(code);
  const name = found?.[1]?.toLowerCase() ?? '';
  const rest = found?.[2]?.replace(/;/g, '').trim() ?? '';
  const plain = { changesSchema: false };
  if (place === 'owned' && READING_ROWS.has(name)) return refuse('it reads the tables of others as well');
  if (TELLING_OF.has(name) && !rest.startsWith('=')) return { kind: 'read', ...plain };
  if (TELLING.has(name) && rest === '') return { kind: 'read', ...plain };
  // It ends with the transaction by itself, and a table cannot be rebuilt without it.
  if (place === 'migration' && name === 'defer_foreign_keys') return { kind: 'write', ...plain };
  return refuse(
    TELLING.has(name) || TELLING_OF.has(name)
      ? `PRAGMA ${name} is allowed only where it reads`
      : 'this PRAGMA is not one of those that only read',
  );
}
