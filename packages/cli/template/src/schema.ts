import type { Migration } from '@aico/backend/plugin';

/** Each runs once, in this order. One that has run somewhere never changes: add another one at the end. */
export const MIGRATIONS: readonly Migration[] = [
  {
    id: '001_notes',
    sql: `
      CREATE TABLE sample_plugin_notes (
        id INTEGER PRIMARY KEY,
        text TEXT NOT NULL,
        -- NULL until the note has been counted
        words INTEGER
      );
    `,
  },
];
