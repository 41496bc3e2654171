import type { SqlDialect } from '@aico/backend/plugin';

/** The statements of the inbox that differ between the engines of the database. */
interface MailSql {
  /** The ids of messages by their digests; one parameter, a JSON array of digests. */
  readonly find: string;
  /** The best matches of a query; parameters: the query and a limit. */
  readonly search: string;
  /** Whether the newest message is in the index, and its words. */
  readonly newest: string;
  /** Finds a message by a word; parameters: the query and the id. */
  readonly findWord: string;
}

const SUMMARY = 'm.id, m.subject, m.sender, m.sent_at, m.size, m.attachments';

export const SQL: Readonly<Record<SqlDialect, MailSql>> = {
  sqlite: {
    find: `SELECT lower(hex(sha256)) AS digest, id FROM inbox_messages
       WHERE sha256 IN (SELECT unhex(value) FROM json_each(?))`,
    search: `SELECT ${SUMMARY}, snippet(inbox_search, -1, '[', ']', ' … ', 20) AS snippet
         FROM inbox_search JOIN inbox_messages m ON m.id = inbox_search.rowid
         WHERE inbox_search MATCH ? ORDER BY rank LIMIT ?`,
    newest: `SELECT id, subject, sender, id IS (SELECT max(id) FROM inbox_search_docsize) AS listed
       FROM inbox_messages ORDER BY id DESC LIMIT 1`,
    findWord: 'SELECT rowid AS id FROM inbox_search WHERE inbox_search MATCH ? AND rowid = ?',
  },
  postgres: {
    find: `SELECT encode(sha256, 'hex') AS digest, id FROM inbox_messages
       WHERE sha256 IN (SELECT decode(value, 'hex') FROM json_array_elements_text(CAST(? AS JSON)))`,
    search: `SELECT ${SUMMARY}, ts_headline('simple', m.subject || ' ' || m.text, query, 'StartSel=[, StopSel=], MaxWords=20, MinWords=5') AS snippet
         FROM inbox_messages m, to_tsquery('simple', ?) AS query
         WHERE m.words @@ query ORDER BY ts_rank(m.words, query) DESC, m.id DESC LIMIT ?`,
    newest: 'SELECT id, subject, sender, 1 AS listed FROM inbox_messages ORDER BY id DESC LIMIT 1',
    findWord: "SELECT id FROM inbox_messages WHERE words @@ to_tsquery('simple', ?) AND id = ?",
  },
};

/** A query for plain words, none of which is interpreted as syntax; a `*` at the end of a word means a prefix. */
export const PLAIN_WORDS: Readonly<Record<SqlDialect, (query: string) => string>> = {
  sqlite: (query) =>
    wordsIn(query)
      .map(({ word, isPrefix }) => `"${word.replaceAll('"', '""')}"${isPrefix ? '*' : ''}`)
      .join(' '),
  postgres: (query) =>
    wordsIn(query)
      .map(
        ({ word, isPrefix }) =>
          `'${word.replaceAll('\\', '\\\\').replaceAll("'", "''")}'${isPrefix ? ':*' : ''}`,
      )
      .join(' & '),
};

function wordsIn(query: string): readonly { readonly word: string; readonly isPrefix: boolean }[] {
  return query
    .split(/[\s\0]+/)
    .filter((word) => /[^*"]/.test(word))
    .map((word) => ({ word: word.replace(/\*+$/, ''), isPrefix: word.endsWith('*') }));
}
