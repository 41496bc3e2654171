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
];

/** One parameter however many rows: a statement kept for every batch size, and one string across a thread. */
export const INSERT_BATCH = `
  INSERT INTO logs (time, level, service, component, message, fields, request, trace, plugin, device)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8,
    value ->> 9
  FROM json_each(?)`;
