import { defineError, reasonOf } from '@aico/protocol';
import { systemErrorIn } from '../core/system-errors/index.ts';
import { engineMessageOf } from './engine-failure.ts';

/** The database is closed or is closing. */
export class DatabaseClosedError extends defineError({
  code: 'AICO_DATA_CLOSED',
  exit: 'database',
  hint: 'Declare the dependency on "database", so that the users of the database stop before it.',
  make: () => ({ message: 'the database is closed' }),
}) {}

/** The database file cannot be opened or created. */
export class DatabaseOpenError extends defineError({
  code: 'AICO_DATA_OPEN_FAILED',
  exit: 'database',
  make: (file: string, reason: string, cause?: unknown) => {
    const condition = systemErrorIn(cause)?.condition ?? reason;
    return {
      message: `the database ${file} cannot be opened: ${condition}`,
      hint:
        systemErrorIn(cause)?.hint ??
        'Check that the folder exists, that you own it, and that the disk has room.',
      cause,
      file,
    };
  },
}) {}

/** This process has already opened the file. */
export class DatabaseOpenTwiceError extends defineError({
  code: 'AICO_DATA_OPEN_TWICE',
  exit: 'database',
  hint: 'Pass on the open database instead of opening it a second time.',
  make: (file: string) => ({ message: `this process has opened ${file} already`, file }),
}) {}

/** The database file is not encrypted. */
export class PlaintextDatabaseError extends defineError({
  code: 'AICO_DATA_PLAINTEXT',
  exit: 'database',
  hint: 'Move it away. Its rows can be imported; the file itself is not used.',
  make: (file: string) => ({ message: `${file} is not encrypted, and is refused`, file }),
}) {}

/** The key does not open this database. */
export class DatabaseKeyWrongError extends defineError({
  code: 'AICO_DATA_KEY_WRONG',
  exit: 'database',
  hint: 'Restore the slot file and the database that belong together.',
  make: (file: string, cause: unknown) => ({
    message: `the key does not open ${file}: it belongs to another database`,
    cause,
    file,
  }),
}) {}

/** The database was created with another cipher than the configured one. */
export class DatabaseCipherError extends defineError({
  code: 'AICO_DATA_CIPHER_DIFFERS',
  exit: 'database',
  make: (file: string, made: string, configured: string) => ({
    message: `${file} was created with ${made}, but ${configured} is configured`,
    hint: `Configure ${made} again: the cipher of a database is chosen when it is created.`,
    file,
  }),
}) {}

/** The file is not a database. */
export class NotADatabaseError extends defineError({
  code: 'AICO_DATA_NOT_A_DATABASE',
  exit: 'database',
  hint: 'The file was replaced by something else; restore the newest backup.',
  make: (file: string, cause?: unknown) => ({ message: `${file} is not a database`, cause, file }),
}) {}

/** Pages of the database fail authentication or are malformed: the file was damaged or altered. */
export class DatabaseCorruptError extends defineError({
  code: 'AICO_DATA_CORRUPT',
  exit: 'database',
  hint: 'Keep the file as it is, and restore the newest backup beside it.',
  make: (file: string, reason: string, cause?: unknown) => ({
    message: `${file} is damaged: ${reason}`,
    cause,
    file,
  }),
}) {}

/** The head file beside the database does not belong to it. */
export class DatabaseHeadError extends defineError({
  code: 'AICO_DATA_HEAD_DAMAGED',
  exit: 'database',
  hint: 'Keep every file. `aico db accept-rollback` accepts the database as it is and writes a new head; `aico db restore` replaces it by the newest backup.',
  make: (file: string, reason: string, cause?: unknown) => ({
    message: `${file}, the head file of the database beside it, ${reason}`,
    cause,
    file,
  }),
}) {}

/** The database file is missing or empty. */
export class DatabaseGoneError extends defineError({
  code: 'AICO_DATA_GONE',
  exit: 'database',
  hint: 'Look for the file first: the disk it lies on may not be mounted. If it is lost, restore the newest backup with `aico db restore`.',
  make: (file: string) => ({ message: `${file} is missing or empty`, file }),
}) {}

/** The database file was replaced while it was open. */
export class DatabaseReplacedError extends defineError({
  code: 'AICO_DATA_REPLACED',
  exit: 'database',
  hint: 'Do not stop the backend yet: it still reads the old file. Export what you need; then stop it and restore the newest backup.',
  make: (file: string) => ({ message: `${file} was replaced while it was open`, file }),
}) {}

/** A file that the database needs to find its content again was removed or replaced while it was open. */
export class DatabaseLostError extends defineError({
  code: 'AICO_DATA_LOST',
  exit: 'database',
  hint: 'Do not stop the backend yet: it still reads the old file. Put the file back if it was moved, or export what you need; then stop it and restore the newest backup.',
  make: (reason: string, cause: unknown) => ({
    message: `no write is acknowledged any more: ${reason}`,
    cause,
  }),
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
  hint: 'Restart. Writes without an answer may or may not be stored.',
  make: (thread: string, cause: unknown) => ({
    message: `the database's ${thread} thread ended unexpectedly`,
    cause,
  }),
}) {}

/** The statement is not allowed. */
export class StatementRefusedError extends defineError({
  code: 'AICO_DATA_STATEMENT_REFUSED',
  exit: 'database',
  hint: 'Run one statement at a time through execute(), and schema changes through migrate().',
  make: (statement: string, reason: string) => ({
    message: `"${statement}" is refused: ${reason}`,
    statement,
  }),
}) {}

/** The engine does not understand the statement, or could not execute it. */
export class StatementFailedError extends defineError({
  code: 'AICO_DATA_STATEMENT_FAILED',
  exit: 'database',
  hint: 'Compare the statement with the tables (aico db status). Private text is left out of the message; `error.engineMessage` has the message of SQLite.',
  make: (statement: string, reason: string, cause: unknown) => ({
    message: `"${statement}" failed: ${reason}`,
    cause,
    statement,
  }),
}) {
  /** SQLite's own words, which may repeat what was searched for or stored. Not to be logged or sent. */
  get engineMessage(): string | undefined {
    return engineMessageOf(this.cause);
  }
}

/** The parameters do not fit the statement, or cannot be stored. */
export class ParametersInvalidError extends defineError({
  code: 'AICO_DATA_PARAMETERS_INVALID',
  exit: 'database',
  hint: 'Pass null, strings, numbers, bigints, booleans and Uint8Arrays, one for each placeholder.',
  make: (reason: string, cause?: unknown) => ({ message: reason, cause }),
}) {}

/** A statement violates a constraint of the schema; only this statement failed. */
export class ConstraintError extends defineError({
  code: 'AICO_DATA_CONSTRAINT',
  exit: 'database',
  hint: 'Nothing of this statement was stored.',
  make: (constraint: string, reason: string, cause: unknown) => ({
    message: reason,
    cause,
    /** `unique`, `primarykey`, `notnull`, `check`, `foreignkey`, `trigger`, `datatype` or another of the engine's. */
    constraint,
  }),
}) {
  /** SQLite's own words, which may repeat what was to be stored. Not to be logged or sent. */
  get engineMessage(): string | undefined {
    return engineMessageOf(this.cause);
  }
}

/** Another process holds the lock of the database. */
export class DatabaseBusyError extends defineError({
  code: 'AICO_DATA_BUSY',
  exit: 'database',
  hint: 'Close the other program that has the file open, and try again.',
  make: (cause: unknown) => ({ message: 'another process holds the lock of the database', cause }),
}) {}

/** Too many writes are waiting. */
export class WriteQueueFullError extends defineError({
  code: 'AICO_DATA_QUEUE_FULL',
  exit: 'database',
  hint: 'Await the writes before sending more.',
  make: (limit: number) => ({ message: `${limit} writes are waiting already` }),
}) {}

/** There is no room on the disk for a write, which was not stored. */
export class DiskFullError extends defineError({
  code: 'AICO_DATA_DISK_FULL',
  exit: 'database',
  hint: 'Make room: writing then continues by itself.',
  make: (cause: unknown) => {
    const condition = systemErrorIn(cause)?.condition ?? 'the disk is full';
    return { message: `${condition}: this write was not stored`, cause };
  },
}) {}

/** The disk refused a write, which was rolled back; the next write may succeed. */
export class WriteRefusedError extends defineError({
  code: 'AICO_DATA_WRITE_REFUSED',
  exit: 'database',
  hint: "Read the system's log (dmesg). Writing is retried every second, and continues by itself once it works.",
  make: (reason: string, cause: unknown) => {
    const condition = systemErrorIn(cause)?.condition ?? reason;
    return { message: `the disk refused a write (${condition}), which was not stored`, cause };
  },
}) {}

/** The disk failed; only durable writes have been acknowledged. */
export class StorageFailedError extends defineError({
  code: 'AICO_DATA_STORAGE_FAILED',
  exit: 'database',
  hint: 'Check the disk, then restart: until then no write is acknowledged.',
  make: (reason: string, cause: unknown) => {
    const condition = systemErrorIn(cause)?.condition;
    return { message: `${condition ?? 'the disk failed'}: ${reason}`, cause };
  },
}) {}

/** The transaction was committed or rolled back already. */
export class TransactionEndedError extends defineError({
  code: 'AICO_DATA_TRANSACTION_ENDED',
  exit: 'database',
  hint: 'Await every statement inside the callback, and use the transaction nowhere else.',
  make: (how: string, cause?: unknown) => ({ message: `the transaction ${how}`, cause }),
}) {}

/** Another transaction changed data that this one has used, and this one was rolled back. */
export class TransactionConflictError extends defineError({
  code: 'AICO_DATA_TRANSACTION_CONFLICT',
  exit: 'database',
  hint: 'Run it again from its beginning, or use transaction(work), which does so by itself.',
  make: () => ({ message: 'the transaction met a conflict with another one and was rolled back' }),
}) {}

/** The transaction exceeded its deadline and was rolled back. */
export class TransactionTimeoutError extends defineError({
  code: 'AICO_DATA_TRANSACTION_TIMEOUT',
  exit: 'database',
  make: (timeoutMs: number, openedAt: string, waiting: string | undefined) => ({
    message:
      `the transaction opened at ${openedAt} was not ended within ${timeoutMs} ms and was rolled back` +
      (waiting === undefined
        ? ''
        : `; inside it, "${waiting}" was sent to the database itself and waits for it`),
    hint:
      waiting === undefined
        ? 'Commit or roll back on every path, and keep slow work outside.'
        : 'Inside the callback call tx.execute(…), not db.execute(…).',
    timeoutMs,
    openedAt,
  }),
}) {}

/** A nested transaction is open; until it ends, statements must use it. */
export class NestedTransactionOpenError extends defineError({
  code: 'AICO_DATA_TRANSACTION_NESTED',
  exit: 'database',
  hint: 'Use the nested transaction that the callback receives, and await it before continuing.',
  make: () => ({ message: 'a nested transaction is open inside this one' }),
}) {}

/** A statement writes inside a read-only transaction. */
export class ReadOnlyTransactionError extends defineError({
  code: 'AICO_DATA_TRANSACTION_READ_ONLY',
  exit: 'database',
  hint: 'Open the transaction without readOnly.',
  make: (statement: string) => ({
    message: `"${statement}" writes, and the transaction only reads`,
    statement,
  }),
}) {}

/** The name is reserved for a part of the backend that has tables of its own. */
export class OwnerReservedError extends defineError({
  code: 'AICO_DATA_OWNER_RESERVED',
  exit: 'database',
  hint: 'Give the plugin another name, or ask that part for what is needed through its service.',
  make: (owner: string) => ({
    message: `the name ${owner} is reserved for a part of the backend`,
    owner,
  }),
}) {}

/** A statement uses a table of another owner that was not declared, or a table without an owner. */
export class TableNotOwnedError extends defineError({
  code: 'AICO_DATA_NOT_OWNED',
  exit: 'database',
  make: (
    owner: string,
    table: string,
    tableOwner: string | undefined,
    what: 'read' | 'write' | 'change' | 'refer to',
  ) => {
    const whose = tableOwner === undefined ? 'belongs to no owner' : `belongs to ${tableOwner}`;
    return {
      message: `${owner} may not ${what} ${table}, which ${whose}`,
      hint: hintFor(owner, tableOwner, what),
      owner,
      table,
      /** `undefined` for a table that no migration made: no owner may use it. */
      tableOwner,
    };
  },
}) {}

function hintFor(owner: string, tableOwner: string | undefined, what: string): string {
  if (tableOwner === undefined)
    return 'Make the table in a migration of its owner; what no migration made is closed.';
  return what === 'read' || what === 'write'
    ? `Declare it: ownedBy('${owner}', { ${what}s: ['${tableOwner}'] }); or ask ${tableOwner} for what is needed.`
    : `Only ${tableOwner} changes its tables, and makes what refers to them.`;
}

/** The given migrations do not begin with the applied ones. */
export class MigrationChangedError extends defineError({
  code: 'AICO_DATA_MIGRATION_CHANGED',
  exit: 'database',
  hint: 'Restore the migration: an applied migration never changes its content or place. Add a new one at the end.',
  make: (owner: string, migrationId: string, reason: string) => ({
    message: `migration ${migrationId} of ${owner} ${reason}`,
    owner,
    migrationId,
  }),
}) {}

/** A migration failed and was undone. */
export class MigrationFailedError extends defineError({
  code: 'AICO_DATA_MIGRATION_FAILED',
  exit: 'database',
  hint: 'Correct its SQL. The migrations before it stay applied.',
  make: (owner: string, migrationId: string, cause: unknown) => {
    const reason = reasonOf(cause);
    return {
      message: `migration ${migrationId} of ${owner} failed and was undone: ${reason}`,
      cause,
      owner,
      migrationId,
    };
  },
}) {}
