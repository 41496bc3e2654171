import { defineError } from '@aico/protocol';

/** The database is closed or is closing. */
export class DatabaseClosedError extends defineError({
  code: 'AICO_DATA_CLOSED',
  exit: 'database',
  hint: 'Declare the dependency on "database": a service that depends on it stops before it.',
  make: () => ({ message: 'the database is closed' }),
}) {}

/** The database engine did not accept its settings, so it is not used. */
export class EngineSetupError extends defineError({
  code: 'AICO_DATA_ENGINE_SETUP',
  exit: 'database',
  hint: 'Reinstall the dependencies with npm ci.',
  make: (reason: string, cause?: unknown) => ({
    message: `the database engine refused its settings: ${reason}`,
    cause,
  }),
}) {}

/** A thread of the database engine ended unexpectedly. */
export class EngineCrashedError extends defineError({
  code: 'AICO_DATA_ENGINE_CRASHED',
  exit: 'database',
  hint: 'Restart. Writes that had not resolved may or may not be stored.',
  make: (thread: string, cause: unknown) => ({
    message: `the database's ${thread} thread ended unexpectedly`,
    cause,
  }),
}) {}

/** Another process holds the lock of the database. */
export class DatabaseBusyError extends defineError({
  code: 'AICO_DATA_BUSY',
  exit: 'database',
  hint: 'Close the other program that has the file open, and try again.',
  make: (cause: unknown) => ({ message: 'another process holds the lock of the database', cause }),
}) {}
