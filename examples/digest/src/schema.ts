import type { Migration } from '@aico/backend/plugin';

/** `digest_pending` has the messages that no digest has listed yet; `digest` has one row for each day. */
export const MIGRATIONS: readonly Migration[] = [
  {
    id: '001_digest',
    sql: `
      CREATE TABLE digest_pending (message INTEGER PRIMARY KEY) STRICT;
      CREATE TABLE digest (day TEXT PRIMARY KEY, made_ms INTEGER NOT NULL, content TEXT NOT NULL) STRICT;
    `,
  },
];
