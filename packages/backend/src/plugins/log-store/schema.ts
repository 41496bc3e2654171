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
];

/** One parameter however many rows: a statement kept for every batch size, and one string across a thread. */
export const INSERT_BATCH = `
  INSERT INTO logs (time, level, service, component, message, fields)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM json_each(?)`;
