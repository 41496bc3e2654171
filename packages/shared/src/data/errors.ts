import { defineError, reasonOf } from '@aico/protocol';
import { systemErrorIn } from '../core/system-errors/index.ts';

/** The database was closed, or is closing. */
export class DatabaseClosedError extends defineError({
  code: 'AICO_DATA_CLOSED',
  exit: 'database',
  hint: 'Stop what uses the database before it is closed: declare the dependency on "database".',
  make: () => ({ message: 'the database is closed' }),
}) {}

/** The file cannot be opened or made at all. */
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

/** This process has the file open already. */
export class DatabaseOpenTwiceError extends defineError({
  code: 'AICO_DATA_OPEN_TWICE',
  exit: 'database',
  hint: 'Pass the open database on instead of opening it a second time.',
  make: (file: string) => ({ message: `this process has ${file} open already`, file }),
}) {}

/** What lies there is a database that is not encrypted. */
export class PlaintextDatabaseError extends defineError({
  code: 'AICO_DATA_PLAINTEXT',
  exit: 'database',
  hint: 'Move it away. Its rows can be imported; it will not be used as it is.',
  make: (file: string) => ({ message: `${file} is a database that is not encrypted, and is refused`, file }),
}) {}

/** The key does not open this database. */
export class DatabaseKeyWrongError extends defineError({
  code: 'AICO_DATA_KEY_WRONG',
  exit: 'database',
  hint: 'Put back the slot file and the database that belong together.',
  make: (file: string, cause: unknown) => ({
    message: `the key does not open ${file}: it belongs to another database`,
    cause,
    file,
  }),
}) {}

/** The database was made with another cipher than is configured. */
export class DatabaseCipherError extends defineError({
  code: 'AICO_DATA_CIPHER_DIFFERS',
  exit: 'database',
  make: (file: string, made: string, configured: string) => ({
    message: `${file} was made with ${made}, and ${configured} is configured`,
    hint: `Configure ${made} again; a cipher is chosen when the database is made.`,
    file,
  }),
}) {}

/** The file is no database at all. */
export class NotADatabaseError extends defineError({
  code: 'AICO_DATA_NOT_A_DATABASE',
  exit: 'database',
  hint: 'Something else was put in its place; restore the newest backup.',
  make: (file: string, cause?: unknown) => ({ message: `${file} is not a database`, cause, file }),
}) {}

/** Pages of the database do not authenticate or do not make sense: the file was damaged or altered. */
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

/** The small file beside the database does not fit it. */
export class DatabaseHeadError extends defineError({
  code: 'AICO_DATA_HEAD_DAMAGED',
  exit: 'database',
  hint: 'Keep every file. `aico db accept-rollback` takes the database as it lies there and writes a new head; `aico db restore` puts the newest backup in its place.',
  make: (file: string, reason: string, cause?: unknown) => ({
    message: `${file}, which vouches for the database beside it, ${reason}`,
    cause,
    file,
  }),
}) {}

/** The database file is not there any more. */
export class DatabaseGoneError extends defineError({
  code: 'AICO_DATA_GONE',
  exit: 'database',
  hint: 'Look for the file first: the disk it lies on may not be mounted. If it is lost, restore the newest backup with `aico db restore`.',
  make: (file: string) => ({ message: `${file} has been there, and is gone or empty`, file }),
}) {}

/** Another file stands where the open database was. */
export class DatabaseReplacedError extends defineError({
  code: 'AICO_DATA_REPLACED',
  exit: 'database',
  hint: 'Do not stop the backend yet: it still reads the old file. Export what you need; then stop it and restore the newest backup.',
  make: (file: string) => ({ message: `${file} was replaced while it was open`, file }),
}) {}

/** A file without which nothing written can be found again was removed or replaced while the database was open. */
export class DatabaseLostError extends defineError({
  code: 'AICO_DATA_LOST',
  exit: 'database',
  hint: 'Do not stop the backend yet: it still reads the old file. Put the file back if it was moved, or export what you need; then stop it and restore the newest backup.',
  make: (reason: string, cause: unknown) => ({
    message: `no write is acknowledged any more: ${reason}`,
    cause,
  }),
}) {}

/** The engine did not do as it was told, so nothing is trusted to it. */
export class EngineSetupError extends defineError({
  code: 'AICO_DATA_ENGINE_SETUP',
  exit: 'database',
  hint: 'Reinstall the dependencies with npm ci.',
  make: (reason: string, cause?: unknown) => ({
    message: `the database engine refused its settings: ${reason}`,
    cause,
  }),
}) {}

/** A thread of the engine ended. */
export class EngineCrashedError extends defineError({
  code: 'AICO_DATA_ENGINE_CRASHED',
  exit: 'database',
  hint: 'Restart. Writes that were not answered may or may not be stored.',
  make: (thread: string, cause: unknown) => ({
    message: `the database's ${thread} thread ended unexpectedly`,
    cause,
  }),
}) {}

/** The statement is one that is not run. */
export class StatementRefusedError extends defineError({
  code: 'AICO_DATA_STATEMENT_REFUSED',
  exit: 'database',
  hint: 'Run one statement at a time through execute(), and schema changes through migrate().',
  make: (statement: string, reason: string) => ({
    message: `"${statement}" is refused: ${reason}`,
    statement,
  }),
}) {}

/** The engine does not understand the statement, or could not carry it out. */
export class StatementFailedError extends defineError({
  code: 'AICO_DATA_STATEMENT_FAILED',
  exit: 'database',
  hint: 'Check the statement against the tables there are (aico db status).',
  make: (statement: string, reason: string, cause: unknown) => ({
    message: `"${statement}" failed: ${reason}`,
    cause,
    statement,
  }),
}) {}

/** The parameters do not fit the statement, or cannot be stored. */
export class ParametersInvalidError extends defineError({
  code: 'AICO_DATA_PARAMETERS_INVALID',
  exit: 'database',
  hint: 'Pass null, strings, numbers, bigints, booleans and Uint8Arrays, one for each placeholder.',
  make: (reason: string, cause?: unknown) => ({ message: reason, cause }),
}) {}

/** A rule of the schema was broken; only the statement that broke it failed. */
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
}) {}

/** Another process holds the database's lock. */
export class DatabaseBusyError extends defineError({
  code: 'AICO_DATA_BUSY',
  exit: 'database',
  hint: 'Close the other program that has the file open, and try again.',
  make: (cause: unknown) => ({ message: 'another process holds the lock of the database', cause }),
}) {}

/** More is waiting to be written than is sensible to hold in memory. */
export class WriteQueueFullError extends defineError({
  code: 'AICO_DATA_QUEUE_FULL',
  exit: 'database',
  hint: 'Wait for writes to be answered before sending more.',
  make: (limit: number) => ({ message: `${limit} writes are waiting already` }),
}) {}

/** There is no room for what was to be written; it was not stored. */
export class DiskFullError extends defineError({
  code: 'AICO_DATA_DISK_FULL',
  exit: 'database',
  hint: 'Make room; writing goes on by itself then.',
  make: (cause: unknown) => {
    const condition = systemErrorIn(cause)?.condition ?? 'the disk is full';
    return { message: `${condition}: nothing of this was stored`, cause };
  },
}) {}

/** The disk did not take a write, which was rolled back; it may take the next one. */
export class WriteRefusedError extends defineError({
  code: 'AICO_DATA_WRITE_REFUSED',
  exit: 'database',
  hint: "Read the system's log (dmesg). Writing is tried again every second, and goes on by itself once it works.",
  make: (reason: string, cause: unknown) => {
    const condition = systemErrorIn(cause)?.condition ?? reason;
    return { message: `the disk did not take a write (${condition}): nothing of this was stored`, cause };
  },
}) {}

/** The disk reported an error; nothing that was not durable has been acknowledged. */
export class StorageFailedError extends defineError({
  code: 'AICO_DATA_STORAGE_FAILED',
  exit: 'database',
  hint: 'Look at the disk, then restart: until then no write is acknowledged.',
  make: (reason: string, cause: unknown) => {
    const condition = systemErrorIn(cause)?.condition;
    return { message: `${condition ?? 'the disk failed'}: ${reason}`, cause };
  },
}) {}

/** The transaction was committed or rolled back before. */
export class TransactionEndedError extends defineError({
  code: 'AICO_DATA_TRANSACTION_ENDED',
  exit: 'database',
  hint: 'Await every statement inside the callback, and use the transaction nowhere else.',
  make: (how: string, cause?: unknown) => ({ message: `the transaction ${how}`, cause }),
}) {}

/** The transaction stayed open beyond its deadline and was rolled back. */
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

/** A nested transaction is open; until it ends, statements go through it. */
export class NestedTransactionOpenError extends defineError({
  code: 'AICO_DATA_TRANSACTION_NESTED',
  exit: 'database',
  hint: 'Use the nested transaction handed to the callback, and await it before going on.',
  make: () => ({ message: 'a nested transaction is open inside this one' }),
}) {}

/** A read-only transaction was asked to write. */
export class ReadOnlyTransactionError extends defineError({
  code: 'AICO_DATA_TRANSACTION_READ_ONLY',
  exit: 'database',
  hint: 'Open the transaction without readOnly.',
  make: (statement: string) => ({
    message: `"${statement}" writes, and the transaction only reads`,
    statement,
  }),
}) {}

/** A name under which a part of the backend itself keeps its tables. */
export class OwnerReservedError extends defineError({
  code: 'AICO_DATA_OWNER_RESERVED',
  exit: 'database',
  hint: 'Give the plugin another name, or ask that part for what is needed through its service.',
  make: (owner: string) => ({
    message: `${owner} is the name of a part of the backend, whose tables are closed`,
    owner,
  }),
}) {}

/** A statement touches a table that belongs to somebody else and was not declared, or to nobody. */
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
      /** `undefined` for a table that no migration made, which is open to nobody. */
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

/** The migrations as given do not begin with those that were applied. */
export class MigrationChangedError extends defineError({
  code: 'AICO_DATA_MIGRATION_CHANGED',
  exit: 'database',
  hint: 'An applied migration never changes and keeps its place: restore it, and add a new one at the end.',
  make: (owner: string, migrationId: string, reason: string) => ({
    message: `migration ${migrationId} of ${owner} ${reason}`,
    owner,
    migrationId,
  }),
}) {}

/** A migration failed; the schema is as it was before it. */
export class MigrationFailedError extends defineError({
  code: 'AICO_DATA_MIGRATION_FAILED',
  exit: 'database',
  hint: 'Correct its SQL; those before it stay applied.',
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
