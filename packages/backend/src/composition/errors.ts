import { defineError } from '@aico/protocol';

/** A first start in production without a password: the data would lie there unprotected. */
export class UnprotectedStartError extends defineError({
  code: 'AICO_KEY_UNPROTECTED',
  exit: 'key',
  hint: 'Set AICO_CORE__SECURITY__PASSWORD for the first start, or start in development (AICO_ENVIRONMENT).',
  make: () => ({ message: 'a backend in production does not make a key that anybody with the disk can use' }),
}) {}

/** There is a database and no key slots: a new key could never open it. */
export class KeySlotsLostError extends defineError({
  code: 'AICO_KEY_SLOTS_LOST',
  exit: 'key',
  hint: 'Put the key slots back from your backup. Without them nobody can read the database; to begin anew, move it away.',
  make: (slotsFile: string, databaseFile: string) => ({
    message: `${databaseFile} is there, but the key slots that open it (${slotsFile}) are not`,
    slotsFile,
  }),
}) {}
