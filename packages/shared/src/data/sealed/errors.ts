import { defineError } from '@aico/protocol';

/** A sealed value was changed, moved to another row, or sealed with the key of another home. */
export class SealedValueError extends defineError({
  code: 'AICO_DATA_SEALED_VALUE',
  exit: 'database',
  hint: 'Use the key slots of the home that wrote the database. If they are the same, the row was changed on the server: restore it from a dump.',
  make: (table: string, column: string, cause: unknown) => ({
    message: `a sealed value of ${table}.${column} does not open`,
    cause,
  }),
}) {}
