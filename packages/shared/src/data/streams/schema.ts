import type { Migration } from '../types.ts';

/** The owner of the tables. */
export const OWNER = 'message_bus';

export const MIGRATIONS: readonly Migration[] = [
  {
    id: '001_streams',
    sql: {
      sqlite: `
      CREATE TABLE stream_message (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, topic TEXT NOT NULL, source TEXT NOT NULL,
        content_type TEXT NOT NULL, body ANY NOT NULL, traceparent TEXT, created_ms INTEGER NOT NULL
      ) STRICT;
      -- Everything up to "floor" is settled: acknowledged, dead, or in stream_retry. "handed_out" may be in somebody's hands.
      CREATE TABLE stream_consumer (
        name TEXT PRIMARY KEY, pattern TEXT NOT NULL, floor INTEGER NOT NULL, handed_out INTEGER NOT NULL
      ) STRICT;
      -- Settled, above the floor.
      CREATE TABLE stream_done (
        consumer TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (consumer, number)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE stream_retry (
        consumer TEXT NOT NULL, number INTEGER NOT NULL, attempts INTEGER NOT NULL, due_ms INTEGER NOT NULL,
        leased INTEGER NOT NULL, error TEXT, PRIMARY KEY (consumer, number)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX stream_retry_due ON stream_retry (consumer, leased, due_ms);
      CREATE TABLE stream_dead (
        consumer TEXT NOT NULL, number INTEGER NOT NULL, attempts INTEGER NOT NULL, error TEXT, dead_ms INTEGER NOT NULL,
        PRIMARY KEY (consumer, number)
      ) STRICT, WITHOUT ROWID;`,
      // The lock of the head row orders numbers as commits are ordered.
      postgres: `
      CREATE TABLE stream_head (one BIGINT PRIMARY KEY CHECK (one = 1), last BIGINT NOT NULL);
      INSERT INTO stream_head VALUES (1, 0);
      CREATE TABLE stream_message (
        number BIGINT PRIMARY KEY, id TEXT NOT NULL, topic TEXT NOT NULL, source TEXT NOT NULL, content_type TEXT NOT NULL,
        body BYTEA NOT NULL, traceparent TEXT, created_ms BIGINT NOT NULL, UNIQUE (id, source)
      );
      CREATE TABLE stream_consumer (
        name TEXT PRIMARY KEY, pattern TEXT NOT NULL, floor BIGINT NOT NULL, handed_out BIGINT NOT NULL
      );
      CREATE TABLE stream_done (consumer TEXT NOT NULL, number BIGINT NOT NULL, PRIMARY KEY (consumer, number));
      CREATE TABLE stream_retry (
        consumer TEXT NOT NULL, number BIGINT NOT NULL, attempts BIGINT NOT NULL, due_ms BIGINT NOT NULL,
        leased BIGINT NOT NULL, error TEXT, PRIMARY KEY (consumer, number)
      );
      CREATE INDEX stream_retry_due ON stream_retry (consumer, leased, due_ms);
      CREATE TABLE stream_dead (
        consumer TEXT NOT NULL, number BIGINT NOT NULL, attempts BIGINT NOT NULL, error TEXT, dead_ms BIGINT NOT NULL,
        PRIMARY KEY (consumer, number)
      );`,
    },
  },
  {
    // An id belongs to its publisher: another publisher may use the same. Numbers continue.
    id: '002_ids_by_source',
    sql: {
      postgres: 'SELECT 1',
      sqlite: `
      CREATE TABLE stream_message_by_source (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, topic TEXT NOT NULL, source TEXT NOT NULL,
        content_type TEXT NOT NULL, body ANY NOT NULL, traceparent TEXT, created_ms INTEGER NOT NULL, UNIQUE (id, source)
      ) STRICT;
      INSERT INTO stream_message_by_source SELECT * FROM stream_message;
      DELETE FROM sqlite_sequence WHERE name = 'stream_message_by_source';
      INSERT INTO sqlite_sequence (name, seq)
        SELECT 'stream_message_by_source', seq FROM sqlite_sequence WHERE name = 'stream_message';
      DROP TABLE stream_message;
      ALTER TABLE stream_message_by_source RENAME TO stream_message;`,
    },
  },
  {
    // When the consumer ran last, on the clock of retention; 0 where that is not known yet.
    id: '003_consumers_seen',
    sql: 'ALTER TABLE stream_consumer ADD COLUMN seen_ms INTEGER NOT NULL DEFAULT 0',
  },
];
