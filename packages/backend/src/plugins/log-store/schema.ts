import type { Migration } from '@aico/shared/data';

/** Under which the log store's migrations are kept. */
export const OWNER = 'log_store';

/**
 * Lines are numbered as they are stored, so newest first is by `id`, which both indexes end with: the newest of a
 * service and a level are read from the end of one index range, however many rows there are.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    id: '001_logs',
    sql: `
      CREATE TABLE logs (
        id INTEGER PRIMARY KEY,
        time INTEGER NOT NULL,
        level INTEGER NOT NULL,
        service TEXT NOT NULL,
        component TEXT NOT NULL,
        message TEXT NOT NULL,
        fields TEXT NOT NULL
      ) STRICT;
      CREATE INDEX logs_by_service_and_level ON logs (service, level);
      CREATE INDEX logs_by_level ON logs (level);
    `,
  },
  {
    id: '002_context',
    sql: `
      ALTER TABLE logs ADD COLUMN request TEXT;
      ALTER TABLE logs ADD COLUMN trace TEXT;
      ALTER TABLE logs ADD COLUMN plugin TEXT;
      ALTER TABLE logs ADD COLUMN device TEXT;
      CREATE INDEX logs_by_request ON logs (request) WHERE request IS NOT NULL;
      CREATE INDEX logs_by_trace ON logs (trace) WHERE trace IS NOT NULL;
      CREATE INDEX logs_by_plugin ON logs (plugin, level) WHERE plugin IS NOT NULL;
      CREATE INDEX logs_by_device ON logs (device, level) WHERE device IS NOT NULL;
    `,
  },
  {
    id: '003_search',
    // Contentless: the words are not kept a second time. The times of a segment, which is a range of ids, tell where a time is found.
    sql: `
      CREATE VIRTUAL TABLE logs_text USING fts5 (
        words, content = '', contentless_delete = 1, detail = 'none', tokenize = "unicode61 remove_diacritics 0"
      );
      CREATE TABLE logs_segment (
        first INTEGER PRIMARY KEY,
        last INTEGER NOT NULL,
        min_time INTEGER NOT NULL,
        max_time INTEGER NOT NULL
      ) STRICT;
      CREATE TRIGGER logs_segment_indexes AFTER INSERT ON logs_segment BEGIN
        INSERT INTO logs_text (rowid, words)
        SELECT id, message || ' ' || coalesce((
          SELECT group_concat(iif(typeof(key) = 'text', key, '') || ' ' || iif(type IN ('true', 'false'), type, coalesce(atom, '')), ' ')
          FROM json_tree(fields)
        ), '')
        FROM logs WHERE id BETWEEN new.first AND new.last;
      END;
      CREATE TRIGGER logs_delete_indexed AFTER DELETE ON logs BEGIN
        DELETE FROM logs_text WHERE rowid = old.id;
        DELETE FROM logs_segment WHERE first <= old.id AND last <= old.id;
      END;
    `,
  },
];

/** One parameter however many rows: a statement kept for every batch size, and one string across a thread. */
export const INSERT_BATCH = `
  INSERT INTO logs (time, level, service, component, message, fields, request, trace, plugin, device)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8,
    value ->> 9
  FROM json_each(?)`;
