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
  {
    id: '004_spool',
    // A batch and the number of its last line are stored by one statement, which leaves out lines that are stored already: a line that
    // comes a second time, from a spool or because an answer was lost, is not stored twice.
    sql: `
      CREATE TABLE logs_run (
        run TEXT PRIMARY KEY,
        stored INTEGER NOT NULL
      ) STRICT;
      CREATE VIEW logs_batch AS SELECT run, stored, '[]' AS lines FROM logs_run;
      CREATE TRIGGER logs_batch_stores INSTEAD OF INSERT ON logs_batch BEGIN
        INSERT INTO logs (time, level, service, component, message, fields, request, trace, plugin, device)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
          value ->> 8, value ->> 9
        FROM json_each(new.lines)
        WHERE value ->> 10 > coalesce((SELECT stored FROM logs_run WHERE run = new.run), 0);
        INSERT INTO logs_run (run, stored) VALUES (new.run, new.stored)
        ON CONFLICT (run) DO UPDATE SET stored = max(stored, excluded.stored);
      END;
    `,
  },
  {
    id: '005_sizes',
    // Segments count their lines and the bytes of their texts, so that retention by number and size need not read every line.
    // Lines may be deleted anywhere: a segment without lines goes, and one whose last line is deleted ends at the line before.
    sql: `
      ALTER TABLE logs_segment ADD COLUMN lines INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE logs_segment ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
      UPDATE logs_segment SET (lines, bytes) = (
        SELECT count(*), coalesce(sum(octet_length(message) + octet_length(fields)), 0)
        FROM logs WHERE id BETWEEN logs_segment.first AND logs_segment.last
      );
      DROP TRIGGER logs_delete_indexed;
      CREATE TRIGGER logs_delete_indexed AFTER DELETE ON logs BEGIN
        DELETE FROM logs_text WHERE rowid = old.id;
        UPDATE logs_segment
        SET lines = lines - 1, bytes = bytes - octet_length(old.message) - octet_length(old.fields),
          last = iif(last = old.id, coalesce((SELECT max(id) FROM logs WHERE id < old.id), first), last)
        WHERE first = (SELECT max(first) FROM logs_segment WHERE first <= old.id) AND last >= old.id;
        DELETE FROM logs_segment
        WHERE first = (SELECT max(first) FROM logs_segment WHERE first <= old.id) AND lines <= 0;
      END;
    `,
  },
  {
    id: '006_jsonb',
    // json_each renders each line as text, which every ->> parses again: that took more than half the time of a batch.
    sql: `
      DROP TRIGGER logs_batch_stores;
      CREATE TRIGGER logs_batch_stores INSTEAD OF INSERT ON logs_batch BEGIN
        INSERT INTO logs (time, level, service, component, message, fields, request, trace, plugin, device)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
          value ->> 8, value ->> 9
        FROM jsonb_each(new.lines)
        WHERE value ->> 10 > coalesce((SELECT stored FROM logs_run WHERE run = new.run), 0);
        INSERT INTO logs_run (run, stored) VALUES (new.run, new.stored)
        ON CONFLICT (run) DO UPDATE SET stored = max(stored, excluded.stored);
      END;
    `,
  },
  {
    id: '007_archive',
    // The archives whose lines are removed from the table once their file is complete: see LogArchiver.
    sql: `
      CREATE TABLE logs_archive (
        id TEXT PRIMARY KEY,
        file TEXT NOT NULL,
        selection TEXT NOT NULL
      ) STRICT;
    `,
  },
  {
    id: '008_ids',
    // A reader of the log stands at an id, so that an id is never given to a second line. AUTOINCREMENT would do that as well, but it
    // cannot be added to a table that exists: a copy of a million lines takes longer than a start may.
    sql: `
      CREATE TABLE logs_newest (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        id INTEGER NOT NULL
      ) STRICT;
      INSERT INTO logs_newest (one, id) VALUES (1, 0);
      DROP TRIGGER logs_batch_stores;
      CREATE TRIGGER logs_batch_stores INSTEAD OF INSERT ON logs_batch BEGIN
        UPDATE logs_newest SET id = max(id, coalesce((SELECT max(id) FROM logs), 0));
        INSERT INTO logs (id, time, level, service, component, message, fields, request, trace, plugin, device)
        SELECT (SELECT id FROM logs_newest) + 1 + key, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
          value ->> 6, value ->> 7, value ->> 8, value ->> 9
        FROM jsonb_each(new.lines)
        WHERE value ->> 10 > coalesce((SELECT stored FROM logs_run WHERE run = new.run), 0);
        UPDATE logs_newest SET id = max(id, coalesce((SELECT max(id) FROM logs), 0));
        INSERT INTO logs_run (run, stored) VALUES (new.run, new.stored)
        ON CONFLICT (run) DO UPDATE SET stored = max(stored, excluded.stored);
      END;
    `,
  },
];

/**
 * Stores the lines of a run up to the number `stored` that are not stored yet. They are one parameter however many there are: a
 * statement kept for every batch size, and one string across a thread.
 */
export const INSERT_BATCH = 'INSERT INTO logs_batch (run, stored, lines) VALUES (?, ?, ?)';

/** The number of the last line of a run that is stored. */
export const STORED_OF_RUN = 'SELECT stored FROM logs_run WHERE run = ?';

/** Forgets all runs but the newest: their spools were removed long ago. */
export const FORGET_RUNS = `
  DELETE FROM logs_run WHERE rowid <= (SELECT rowid FROM logs_run ORDER BY rowid DESC LIMIT 1 OFFSET 10000)`;
