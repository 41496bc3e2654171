import { defineError, reasonOf } from '@aico/protocol';

/** The given migrations do not begin with the applied ones. */
export class MigrationChangedError extends defineError({
  code: 'AICO_DATA_MIGRATION_CHANGED',
  exit: 'database',
  hint: 'Restore the migration: the content and position of an applied migration never change. Add a new one at the end.',
  make: (owner: string, migrationId: string, reason: string) => ({
    message: `migration ${migrationId} of ${owner} ${reason}`,
    owner,
    migrationId,
  }),
}) {}

/** A migration failed and was rolled back. */
export class MigrationFailedError extends defineError({
  code: 'AICO_DATA_MIGRATION_FAILED',
  exit: 'database',
  hint: 'Correct its SQL. Earlier migrations stay applied.',
  make: (owner: string, migrationId: string, cause: unknown) => {
    const reason = reasonOf(cause);
    return {
      message: `migration ${migrationId} of ${owner} failed and was rolled back: ${reason}`,
      cause,
      owner,
      migrationId,
    };
  },
}) {}
