import { publicReason } from '../engine/sqlite-messages.ts';

/** SQLite's keywords and its own names that are common in schemas and statements. */
const KEYWORDS =
  'abort action add after all alter always analyze and as asc attach autoincrement before begin between by cascade case ' +
  'cast check collate column commit conflict constraint create cross current current_date current_time current_timestamp ' +
  'database default deferrable deferred delete desc detach distinct do drop each else end escape except exclude exclusive ' +
  'exists explain fail filter first following for foreign from full generated glob group groups having if ignore immediate ' +
  'in index indexed initially inner insert instead intersect into is isnull join key last left like limit match ' +
  'materialized natural no not nothing notnull null nulls of offset on or order others outer over partition plan pragma ' +
  'preceding primary query raise range recursive references regexp reindex release rename replace restrict returning right ' +
  'rollback row rows savepoint select set strict table temp temporary then ties to transaction trigger unbounded union ' +
  'unique update using vacuum values view virtual when where window with within without ' +
  'any blob integer real text count sum min max avg excluded old new rowid';

const STRING_OR_COMMENT = /'(?:[^']|'')*(?:'|$)|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g;
const TOKEN = /\?\d*|[:@$][A-Za-z_]\w*|[\p{L}\p{M}\p{N}_$]+|[^\x20-\x7e]|./gu;
const WORD = /[\p{L}\p{M}\p{N}_$]+/gu;
const PUNCTUATION = /^[\x20-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]*$/;
const LONGEST_SHAPE = 100;

/**
 * The public words, which errors, log lines and statuses may contain: those of SQL and of the schema. Every other word of a
 * statement or of SQLite's message about it may be private.
 */
export class Vocabulary {
  readonly #words = new Set(KEYWORDS.split(' '));
  /** Text that is not split into words before a word is looked up, which in most databases never happens. */
  #unread: string[] = [];

  /** Makes every word of a schema or migration public. */
  learn(schema: string): void {
    this.#unread.push(schema);
  }

  /**
   * The statement on one short line, without literals, comments and private words. Placeholders are kept, because they replace
   * private values.
   *
   * @example
   * new Vocabulary().shapeOf("SELECT * FROM diary WHERE text = 'secret' AND id = :id"); // SELECT * FROM … WHERE … = '…' AND … = :id
   */
  shapeOf(sql: string): string {
    const code = sql.replace(STRING_OR_COMMENT, (piece) => (piece.startsWith("'") ? "'…'" : ' '));
    const shape = code
      .replace(TOKEN, (token) => (token === '…' || isPlaceholder(token) || this.knows(token) ? token : '…'))
      .replace(/\s+/g, ' ')
      .replace(/…(?:[ .,]*…)+/g, '…')
      .trim();
    return shape.length > LONGEST_SHAPE ? `${shape.slice(0, LONGEST_SHAPE - 1)}…` : shape;
  }

  /** SQLite's message about a statement, with `…` in place of private words. */
  reasonFor(message: string): string {
    return publicReason(message, (text) => this.knows(text));
  }

  /** Whether all words of `text` are public. */
  knows(text: string): boolean {
    this.#read();
    const rest = text.replace(WORD, (word) => (this.#words.has(word.toLowerCase()) ? '' : '\0'));
    return PUNCTUATION.test(rest);
  }

  #read(): void {
    for (const text of this.#unread.splice(0))
      for (const [word] of text.matchAll(WORD)) this.#words.add(word.toLowerCase());
  }
}

function isPlaceholder(token: string): boolean {
  return /^(?:\?\d*|[:@$][A-Za-z_])/.test(token);
}
