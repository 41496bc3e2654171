import { defineError } from '@aico/protocol';

/** A first start in production has no password, so the data would not be protected. */
export class UnprotectedStartError extends defineError({
  code: 'AICO_KEY_UNPROTECTED',
  exit: 'key',
  hint: 'Set AICO_CORE__SECURITY__PASSWORD for the first start, or start in development (AICO_ENVIRONMENT).',
  make: () => ({ message: 'a backend in production does not create an unprotected key' }),
}) {}

/** There is a database but no key slots, and a new key could not open the database. */
export class KeySlotsLostError extends defineError({
  code: 'AICO_KEY_SLOTS_LOST',
  exit: 'key',
  hint: 'Restore the key slots from your backup. Without them the database cannot be read; to start with an empty database, move the old one away.',
  make: (slotsFile: string, databaseFile: string) => ({
    message: `${databaseFile} exists, but its key slots (${slotsFile}) do not`,
    slotsFile,
  }),
}) {}
