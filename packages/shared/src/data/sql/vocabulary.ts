import { publicReason } from '../engine-messages.ts';

/** SQLite's keywords, and the names of its own that occur in almost every schema and statement. */
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
 * The words that an error, a log line or a status may contain: those of SQL and of the schema. Every other word of a statement,
 * or of SQLite's message about it, may be private.
 */
export class Vocabulary {
  readonly #words = new Set(KEYWORDS.split(' '));
  /** Text of the schema that has not been split into words: most databases never need to. */
  #unread: string[] = [];

  /** Makes every word of the schema, or of a migration, one that may be repeated. */
  learn(schema: string): void {
    this.#unread.push(schema);
  }

  /**
   * The statement on one short line, without literals, comments, and words that are not public. Placeholders stay: they
   * stand where the private values are not.
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

  /** SQLite's message about a statement, with `…` in the place of words that are not public. */
  reasonFor(message: string): string {
    return publicReason(message, (text) => this.knows(text));
  }

  /** Whether `text` has no other words than public ones. */
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
