import type { Migration } from '@aico/backend/plugin';

/** The columns of a message on both engines, indented as in the applied migrations, whose text never changes. */
const COLUMNS = `        id INTEGER PRIMARY KEY,
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
        raw BLOB NOT NULL`;

/**
 * The tables. On SQLite the search index holds no text of its own: it reads the messages' columns; and the
 * totals are kept along, since counting would read every message.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    id: '001_messages',
    sql: {
      sqlite: `
      CREATE TABLE inbox_messages (
${COLUMNS}
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
      // A plugin cannot have triggers there, so a column is the index, and a view counts. The bound of the text is that of a TSVECTOR.
      postgres: `
      CREATE TABLE inbox_messages (
${COLUMNS},
        words TSVECTOR NOT NULL GENERATED ALWAYS AS (
          setweight(to_tsvector('simple', left(subject, 2000)), 'A') || setweight(to_tsvector('simple', left(sender, 2000)), 'B')
          || to_tsvector('simple', left(text, 150000))
        ) STORED
      );
      CREATE INDEX inbox_messages_by_date ON inbox_messages (sent_at DESC, id DESC);
      CREATE INDEX inbox_search ON inbox_messages USING gin (words);
      CREATE VIEW inbox_totals AS SELECT count(*) AS messages, coalesce(sum(size), 0) AS bytes FROM inbox_messages;
    `,
    },
  },
  {
    // From this version on, text is stored with the marks of search-marks.ts; older rows are marked after the start.
    id: '002_search_in_every_script',
    sql: {
      postgres: 'SELECT 1',
      sqlite: `
      DROP TABLE inbox_search;
      CREATE VIRTUAL TABLE inbox_search USING fts5 (
        subject, sender, text, content = 'inbox_messages', content_rowid = 'id',
        tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co M*'"
      );
      INSERT INTO inbox_search (inbox_search) VALUES ('rebuild');
      CREATE TRIGGER inbox_messages_marked AFTER UPDATE OF subject, sender, text ON inbox_messages BEGIN
        INSERT INTO inbox_search (inbox_search, rowid, subject, sender, text)
          VALUES ('delete', old.id, old.subject, old.sender, old.text);
        INSERT INTO inbox_search (rowid, subject, sender, text) VALUES (new.id, new.subject, new.sender, new.text);
      END;
      ALTER TABLE inbox_totals ADD COLUMN unmarked_to INTEGER NOT NULL DEFAULT 0;
      UPDATE inbox_totals SET unmarked_to = (SELECT coalesce(max(id), 0) FROM inbox_messages);
    `,
    },
  },
  {
    id: '003_labels',
    sql: `
      CREATE TABLE inbox_labels (
        message INTEGER NOT NULL REFERENCES inbox_messages (id) ON DELETE CASCADE,
        label TEXT NOT NULL,
        PRIMARY KEY (message, label)
      ) WITHOUT ROWID;
    `,
  },
];
