import type { Migration } from '@aico/shared/data';

/** Who the tables belong to. */
export const OWNER = 'inbox';

/**
 * The tables. The search index holds no text of its own: it reads the messages' columns. The totals are kept along,
 * since counting would read every message.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    id: '001_messages',
    sql: `
      CREATE TABLE inbox_messages (
        id INTEGER PRIMARY KEY,
        sha256 BLOB NOT NULL UNIQUE,
        message_id TEXT,
        subject TEXT NOT NULL,
        sender TEXT NOT NULL,
        recipients TEXT NOT NULL,
        sent_at INTEGER NOT NULL,
        imported_at INTEGER NOT NULL,
        attachments INTEGER NOT NULL,
        size INTEGER NOT NULL,
        text TEXT NOT NULL,
        raw BLOB NOT NULL
      );
      CREATE INDEX inbox_messages_by_date ON inbox_messages (sent_at DESC, id DESC);
      CREATE VIRTUAL TABLE inbox_search USING fts5 (
        subject, sender, text,
        content = 'inbox_messages', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
      );
      CREATE TABLE inbox_totals (
        id INTEGER PRIMARY KEY CHECK (id = 1), messages INTEGER NOT NULL, bytes INTEGER NOT NULL
      );
      INSERT INTO inbox_totals (id, messages, bytes) VALUES (1, 0, 0);
      CREATE TRIGGER inbox_messages_inserted AFTER INSERT ON inbox_messages BEGIN
        INSERT INTO inbox_search (rowid, subject, sender, text) VALUES (new.id, new.subject, new.sender, new.text);
        UPDATE inbox_totals SET messages = messages + 1, bytes = bytes + new.size;
      END;
      CREATE TRIGGER inbox_messages_deleted AFTER DELETE ON inbox_messages BEGIN
        INSERT INTO inbox_search (inbox_search, rowid, subject, sender, text)
          VALUES ('delete', old.id, old.subject, old.sender, old.text);
        UPDATE inbox_totals SET messages = messages - 1, bytes = bytes - old.size;
      END;
    `,
  },
];
