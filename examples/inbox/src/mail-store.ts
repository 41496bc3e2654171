import {
  AicoError,
  type Database,
  type Queryable,
  type Row,
  type SqlValue,
  type Transaction,
} from '@aico/backend/plugin';
import { MessageUnknownError, SearchInvalidError } from './errors.ts';
import { PLAIN_WORDS, SQL } from './mail-sql.ts';
import type { ParsedMail } from './parsing/mail-parser.ts';
import type { MailDetail, MailSummary } from './replies.ts';
import { marked, unmarked } from './search-marks.ts';

/** The bytes of a message, and the data by which it is identified. */
export interface RawMail {
  /** Uses its whole buffer, since all of the buffer is transferred to the database's thread. */
  readonly raw: Uint8Array;
  /** Of `raw`, hexadecimal. */
  readonly sha256: string;
}

/** A message ready to be stored. */
export interface IncomingMail extends RawMail {
  readonly mail: ParsedMail;
  readonly labels: readonly string[];
}

/** A message that is in the table. */
export interface StoredMail {
  readonly id: number;
  readonly isNew: boolean;
}

/** The number of messages that one transaction marks, which limits the delay of other writers. */
const MARKED_AT_ONCE = 100;

const SUMMARY = 'm.id, m.subject, m.sender, m.sent_at, m.size, m.attachments';

/** A word that the index stores unchanged: it contains only ASCII, and so do its neighbours. */
const ASCII_WORD = /(?<![A-Za-z0-9]|\P{ASCII})[A-Za-z0-9]+(?![A-Za-z0-9]|\P{ASCII})/u;

/** The inbox's own tables. */
export class MailStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Marks the messages of an earlier version, so that a search finds them in every script; newest first, in small steps.
   *
   * @returns whether there is more to do
   */
  async markOlder(): Promise<boolean> {
    // No earlier version ran on another engine.
    if (this.#database.dialect !== 'sqlite') return false;
    return this.#database.transaction(async (tx) => {
      const { rows } = await tx.execute(
        `SELECT id, subject, sender, text FROM inbox_messages
         WHERE id <= (SELECT unmarked_to FROM inbox_totals) ORDER BY id DESC LIMIT ?`,
        [MARKED_AT_ONCE],
      );
      for (const row of rows) {
        const [subject, sender, body] = [row.subject, row.sender, row.text].map((value) =>
          marked(text(value)),
        );
        if (subject === row.subject && sender === row.sender && body === row.text) continue;
        await tx.execute('UPDATE inbox_messages SET subject = ?, sender = ?, text = ? WHERE id = ?', [
          subject ?? '',
          sender ?? '',
          body ?? '',
          row.id ?? null,
        ]);
      }
      const oldest = rows.at(-1)?.id;
      await tx.execute('UPDATE inbox_totals SET unmarked_to = ?', [
        oldest === undefined ? 0 : Number(oldest) - 1,
      ]);
      return rows.length === MARKED_AT_ONCE;
    });
  }

  /** The ids of those messages that are stored already, by their digest. */
  find(batch: readonly RawMail[]): Promise<ReadonlyMap<string, number>> {
    return this.#find(this.#database, batch);
  }

  async #find(queryable: Queryable, batch: readonly RawMail[]): Promise<ReadonlyMap<string, number>> {
    const { rows } = await queryable.execute(SQL[this.#database.dialect].find, [
      JSON.stringify(batch.map(({ sha256 }) => sha256)),
    ]);
    return new Map(rows.map((row) => [text(row.digest), Number(row.id)]));
  }

  /**
   * Stores a batch, all of it or nothing; a message that is stored already, byte for byte, is left as it is.
   *
   * @param announce publishes a message that is new, in the transaction that stores it
   */
  async add(
    batch: readonly IncomingMail[],
    announce: (tx: Transaction, id: number, mail: IncomingMail) => Promise<void>,
  ): Promise<readonly StoredMail[]> {
    if (batch.length === 0) return [];
    return this.#database.transaction(async (tx) => {
      // The statements are not awaited one by one, so that they reach the database's thread together.
      const inserted = await Promise.all(batch.map((incoming) => tx.execute(INSERT, valuesOf(incoming))));
      const ids = inserted.map(({ rows: [row] }) => row?.id);
      const labels = batch.flatMap((incoming, index) =>
        incoming.labels.map((label) => tx.execute(LABEL, [ids[index] ?? null, label])),
      );
      await Promise.all(labels);
      await Promise.all(
        batch.flatMap((incoming, index) => {
          const id = ids[index];
          return id === undefined ? [] : [announce(tx, Number(id), incoming)];
        }),
      );
      const known = ids.includes(undefined) ? await this.#find(tx, batch) : new Map<string, number>();
      return batch.map(({ sha256 }, index): StoredMail => {
        const id = ids[index];
        return id === undefined
          ? { id: known.get(sha256) ?? Number.NaN, isNew: false }
          : { id: Number(id), isNew: true };
      });
    });
  }

  /** Newest first; `before` is the last one of the page before, whose messages are not given again. */
  async list(limit: number, before?: number): Promise<readonly MailSummary[]> {
    const { rows } =
      before === undefined
        ? await this.#database.execute(
            `SELECT ${SUMMARY} FROM inbox_messages m ORDER BY m.sent_at DESC, m.id DESC LIMIT ?`,
            [limit],
          )
        : await this.#database.execute(
            `SELECT ${SUMMARY} FROM inbox_messages m JOIN inbox_messages b ON b.id = ?
             WHERE (m.sent_at, m.id) < (b.sent_at, b.id) ORDER BY m.sent_at DESC, m.id DESC LIMIT ?`,
            [before, limit],
          );
    return rows.map(summaryOf);
  }

  /** @throws {MessageUnknownError} */
  async read(id: number): Promise<MailDetail> {
    const { rows } = await this.#database.execute(
      `SELECT ${SUMMARY}, m.message_id, m.recipients, m.text FROM inbox_messages m WHERE m.id = ?`,
      [id],
    );
    const [row] = rows;
    if (row === undefined) throw new MessageUnknownError(id);
    const labels = await this.#database.execute(
      'SELECT label FROM inbox_labels WHERE message = ? ORDER BY label',
      [id],
    );
    return {
      ...summaryOf(row),
      ...(row.message_id === null ? {} : { messageId: text(row.message_id) }),
      recipients: text(row.recipients),
      text: unmarked(text(row.text)),
      labels: labels.rows.map(({ label }) => text(label)),
    };
  }

  /** The bytes as they came. @throws {MessageUnknownError} */
  async raw(id: number): Promise<Uint8Array> {
    const { rows } = await this.#database.execute('SELECT raw FROM inbox_messages WHERE id = ?', [id]);
    const bytes = rows[0]?.raw;
    if (bytes instanceof Uint8Array) return bytes;
    throw new MessageUnknownError(id);
  }

  /**
   * Best match first.
   *
   * @param query plain words, all of which must occur; with `asFts5`, the syntax of SQLite's FTS5
   * @throws {SearchInvalidError} when the syntax is wrong
   */
  async search(query: string, limit: number, asFts5: boolean): Promise<readonly MailSummary[]> {
    const { dialect } = this.#database;
    if (asFts5 && dialect !== 'sqlite')
      throw new SearchInvalidError(
        new Error('the syntax of FTS5 is that of SQLite, and the database is another engine'),
      );
    const match = asFts5 ? marked(query) : PLAIN_WORDS[dialect](marked(query));
    if (match === '') return [];
    try {
      const { rows } = await this.#database.execute(SQL[dialect].search, [match, limit]);
      return rows.map((row) => ({ ...summaryOf(row), snippet: unmarked(text(row.snippet)) }));
    } catch (error) {
      if (asFts5 && error instanceof AicoError && error.code === 'AICO_DATA_STATEMENT_FAILED')
        throw new SearchInvalidError(error);
      throw error;
    }
  }

  async count(): Promise<{ readonly messages: number; readonly bytes: number }> {
    const { rows } = await this.#database.execute('SELECT messages, bytes FROM inbox_totals');
    return { messages: Number(rows[0]?.messages ?? 0), bytes: Number(rows[0]?.bytes ?? 0) };
  }

  /**
   * Looks for the newest message through the search index.
   *
   * @returns `false` when index and table have parted
   */
  async isIndexed(): Promise<boolean> {
    const sql = SQL[this.#database.dialect];
    const { rows } = await this.#database.execute(sql.newest);
    const [newest] = rows;
    if (newest === undefined) return true;
    if (newest.listed !== 1) return false;
    const word = ASCII_WORD.exec(`${text(newest.subject)} ${text(newest.sender)}`)?.[0];
    if (word === undefined) return true;
    const found = await this.#database.execute(sql.findWord, [
      PLAIN_WORDS[this.#database.dialect](word),
      newest.id ?? null,
    ]);
    return found.rows.length === 1;
  }
}

/** Labels a message. Has no effect on a message that was stored before, which has no id here. */
const LABEL =
  'INSERT OR IGNORE INTO inbox_labels (message, label) SELECT CAST(?1 AS BIGINT), ?2 WHERE CAST(?1 AS BIGINT) IS NOT NULL';

/** Stores one message with the parameters {@link valuesOf}; returns no row if the message is already stored. */
export const INSERT = `INSERT INTO inbox_messages
    (sha256, message_id, subject, sender, recipients, sent_at, imported_at, attachments, size, text, raw)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sha256) DO NOTHING RETURNING id`;

export function valuesOf({ raw, sha256, mail }: Omit<IncomingMail, 'labels'>): SqlValue[] {
  return [
    Buffer.from(sha256, 'hex'),
    mail.messageId ?? null,
    marked(mail.subject),
    marked(mail.sender),
    mail.recipients,
    mail.sentAt ?? 0,
    Date.now(),
    mail.attachments,
    raw.length,
    marked(mail.text),
    raw,
  ];
}

function summaryOf(row: Row): MailSummary {
  const sentAt = Number(row.sent_at);
  return {
    id: Number(row.id),
    subject: unmarked(text(row.subject)),
    sender: unmarked(text(row.sender)),
    ...(sentAt === 0 ? {} : { sentAt: new Date(sentAt).toISOString() }),
    size: Number(row.size),
    attachments: Number(row.attachments),
  };
}

function text(value: SqlValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
