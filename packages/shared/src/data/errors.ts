import { AicoError } from '@aico/protocol';
import { systemErrorIn } from '../core/system-errors/index.ts';

const RESTORE = 'Keep the file as it is, and restore the newest backup beside it.';

/** The database was closed, or is closing. */
export class DatabaseClosedError extends AicoError {
  constructor() {
    super('AICO_DATA_CLOSED', 'the database is closed', {
      hint: 'Stop what uses the database before it is closed: declare the dependency on "database".',
    });
  }
}

/** The file cannot be opened or made at all. */
export class DatabaseOpenError extends AicoError {
  readonly file: string;
  constructor(file: string, reason: string, cause?: unknown) {
    const condition = systemErrorIn(cause)?.condition ?? reason;
    super('AICO_DATA_OPEN_FAILED', `the database ${file} cannot be opened: ${condition}`, {
      hint:
        systemErrorIn(cause)?.hint ??
        'Check that the folder exists, that you own it, and that the disk has room.',
      cause,
    });
    this.file = file;
  }
}

/** This process has the file open already. */
export class DatabaseOpenTwiceError extends AicoError {
  readonly file: string;
  constructor(file: string) {
    super('AICO_DATA_OPEN_TWICE', `this process has ${file} open already`, {
      hint: 'Pass the open database on instead of opening it a second time.',
    });
    this.file = file;
  }
}

/** What lies there is a database that is not encrypted. */
export class PlaintextDatabaseError extends AicoError {
  readonly file: string;
  constructor(file: string) {
    super('AICO_DATA_PLAINTEXT', `${file} is a database that is not encrypted, and is refused`, {
      hint: 'Move it away. Its rows can be imported; it will not be used as it is.',
    });
    this.file = file;
  }
}

/** The key does not open this database. */
export class DatabaseKeyWrongError extends AicoError {
  readonly file: string;
  constructor(file: string, cause: unknown) {
    super('AICO_DATA_KEY_WRONG', `the key does not open ${file}: it belongs to another database`, {
      hint: 'Put back the slot file and the database that belong together.',
      cause,
    });
    this.file = file;
  }
}

/** The database was made with another cipher than is configured. */
export class DatabaseCipherError extends AicoError {
  readonly file: string;
  constructor(file: string, made: string, configured: string) {
    super('AICO_DATA_CIPHER_DIFFERS', `${file} was made with ${made}, and ${configured} is configured`, {
      hint: `Configure ${made} again; a cipher is chosen when the database is made.`,
    });
    this.file = file;
  }
}

/** The file is no database at all. */
export class NotADatabaseError extends AicoError {
  readonly file: string;
  constructor(file: string, cause?: unknown) {
    super('AICO_DATA_NOT_A_DATABASE', `${file} is not a database`, {
      hint: 'Something else was put in its place; restore the newest backup.',
      cause,
    });
    this.file = file;
  }
}

/** Pages of the database do not authenticate or do not make sense: the file was damaged or altered. */
export class DatabaseCorruptError extends AicoError {
  readonly file: string;
  constructor(file: string, reason: string, cause?: unknown) {
    super('AICO_DATA_CORRUPT', `${file} is damaged: ${reason}`, { hint: RESTORE, cause });
    this.file = file;
  }
}

/** The small file beside the database does not fit it. */
export class DatabaseHeadError extends AicoError {
  readonly file: string;
  constructor(file: string, reason: string, cause?: unknown) {
    super('AICO_DATA_HEAD_DAMAGED', `${file}, which vouches for the database beside it, ${reason}`, {
      hint: 'Keep every file. `aico db accept-rollback` takes the database as it lies there and writes a new head; `aico db restore` puts the newest backup in its place.',
      cause,
    });
    this.file = file;
  }
}

/** The database file is not there any more. */
export class DatabaseGoneError extends AicoError {
  readonly file: string;
  constructor(file: string) {
    super('AICO_DATA_GONE', `${file} has been there, and is gone or empty`, {
      hint: 'Look for the file first: the disk it lies on may not be mounted. If it is lost, restore the newest backup with `aico db restore`.',
    });
    this.file = file;
  }
}

/** Another file stands where the open database was. */
export class DatabaseReplacedError extends AicoError {
  readonly file: string;
  constructor(file: string) {
    super('AICO_DATA_REPLACED', `${file} was replaced while it was open`, {
      hint: 'Do not stop the backend yet: it still reads the old file. Export what you need; then stop it and restore the newest backup.',
    });
    this.file = file;
  }
}

/** A file without which nothing written can be found again was removed or replaced while the database was open. */
export class DatabaseLostError extends AicoError {
  constructor(reason: string, cause: unknown) {
    super('AICO_DATA_LOST', `no write is acknowledged any more: ${reason}`, {
      hint: 'Do not stop the backend yet: it still reads the old file. Put the file back if it was moved, or export what you need; then stop it and restore the newest backup.',
      cause,
    });
  }
}

/** The engine did not do as it was told, so nothing is trusted to it. */
export class EngineSetupError extends AicoError {
  constructor(reason: string, cause?: unknown) {
    super('AICO_DATA_ENGINE_SETUP', `the database engine refused its settings: ${reason}`, {
      hint: 'Reinstall the dependencies with npm ci.',
      cause,
    });
  }
}

/** A thread of the engine ended. */
export class EngineCrashedError extends AicoError {
  constructor(thread: string, cause: unknown) {
    super('AICO_DATA_ENGINE_CRASHED', `the database's ${thread} thread ended unexpectedly`, {
      hint: 'Restart. Writes that were not answered may or may not be stored.',
      cause,
    });
  }
}

/** The statement is one that is not run. */
export class StatementRefusedError extends AicoError {
  readonly statement: string;
  constructor(statement: string, reason: string) {
    super('AICO_DATA_STATEMENT_REFUSED', `"${statement}" is refused: ${reason}`, {
      hint: 'Run one statement at a time through execute(), and schema changes through migrate().',
    });
    this.statement = statement;
  }
}

/** The engine does not understand the statement, or could not carry it out. */
export class StatementFailedError extends AicoError {
  readonly statement: string;
  constructor(statement: string, reason: string, cause: unknown) {
    super('AICO_DATA_STATEMENT_FAILED', `"${statement}" failed: ${reason}`, {
      hint: 'Check the statement against the tables there are (aico db status).',
      cause,
    });
    this.statement = statement;
  }
}

/** The parameters do not fit the statement, or cannot be stored. */
export class ParametersInvalidError extends AicoError {
  constructor(reason: string, cause?: unknown) {
    super('AICO_DATA_PARAMETERS_INVALID', reason, {
      hint: 'Pass null, strings, numbers, bigints, booleans and Uint8Arrays, one for each placeholder.',
      cause,
    });
  }
}

/** A rule of the schema was broken; only the statement that broke it failed. */
export class ConstraintError extends AicoError {
  /** `unique`, `primarykey`, `notnull`, `check`, `foreignkey`, `trigger`, `datatype` or another of the engine's. */
  readonly constraint: string;
  constructor(constraint: string, reason: string, cause: unknown) {
    super('AICO_DATA_CONSTRAINT', reason, { hint: 'Nothing of this statement was stored.', cause });
    this.constraint = constraint;
  }
}

/** Another process holds the database's lock. */
export class DatabaseBusyError extends AicoError {
  constructor(cause: unknown) {
    super('AICO_DATA_BUSY', 'another process holds the lock of the database', {
      hint: 'Close the other program that has the file open, and try again.',
      cause,
    });
  }
}

/** More is waiting to be written than is sensible to hold in memory. */
export class WriteQueueFullError extends AicoError {
  constructor(limit: number) {
    super('AICO_DATA_QUEUE_FULL', `${limit} writes are waiting already`, {
      hint: 'Wait for writes to be answered before sending more.',
    });
  }
}

/** There is no room for what was to be written; it was not stored. */
export class DiskFullError extends AicoError {
  constructor(cause: unknown) {
    const condition = systemErrorIn(cause)?.condition ?? 'the disk is full';
    super('AICO_DATA_DISK_FULL', `${condition}: nothing of this was stored`, {
      hint: 'Make room; writing goes on by itself then.',
      cause,
    });
  }
}

/** The disk did not take a write, which was rolled back; it may take the next one. */
export class WriteRefusedError extends AicoError {
  constructor(reason: string, cause: unknown) {
    const condition = systemErrorIn(cause)?.condition ?? reason;
    super(
      'AICO_DATA_WRITE_REFUSED',
      `the disk did not take a write (${condition}): nothing of this was stored`,
      {
        hint: "Read the system's log (dmesg). Writing is tried again every second, and goes on by itself once it works.",
        cause,
      },
    );
  }
}

/** The disk reported an error; nothing that was not durable has been acknowledged. */
export class StorageFailedError extends AicoError {
  constructor(reason: string, cause: unknown) {
    const condition = systemErrorIn(cause)?.condition;
    super('AICO_DATA_STORAGE_FAILED', `${condition ?? 'the disk failed'}: ${reason}`, {
      hint: 'Look at the disk, then restart: until then no write is acknowledged.',
      cause,
    });
  }
}

/** The transaction was committed or rolled back before. */
export class TransactionEndedError extends AicoError {
  constructor(how: string, cause?: unknown) {
    super('AICO_DATA_TRANSACTION_ENDED', `the transaction ${how}`, {
      hint: 'Await every statement inside the callback, and use the transaction nowhere else.',
      cause,
    });
  }
}

/** The transaction stayed open beyond its deadline and was rolled back. */
export class TransactionTimeoutError extends AicoError {
  readonly timeoutMs: number;
  readonly openedAt: string;
  constructor(timeoutMs: number, openedAt: string, waiting: string | undefined) {
    super(
      'AICO_DATA_TRANSACTION_TIMEOUT',
      `the transaction opened at ${openedAt} was not ended within ${timeoutMs} ms and was rolled back` +
        (waiting === undefined
          ? ''
          : `; inside it, "${waiting}" was sent to the database itself and waits for it`),
      {
        hint:
          waiting === undefined
            ? 'Commit or roll back on every path, and keep slow work outside.'
            : 'Inside the callback call tx.execute(…), not db.execute(…).',
      },
    );
    this.timeoutMs = timeoutMs;
    this.openedAt = openedAt;
  }
}

/** A nested transaction is open; until it ends, statements go through it. */
export class NestedTransactionOpenError extends AicoError {
  constructor() {
    super('AICO_DATA_TRANSACTION_NESTED', 'a nested transaction is open inside this one', {
      hint: 'Use the nested transaction handed to the callback, and await it before going on.',
    });
  }
}

/** A read-only transaction was asked to write. */
export class ReadOnlyTransactionError extends AicoError {
  readonly statement: string;
  constructor(statement: string) {
    super('AICO_DATA_TRANSACTION_READ_ONLY', `"${statement}" writes, and the transaction only reads`, {
      hint: 'Open the transaction without readOnly.',
    });
    this.statement = statement;
  }
}

/** A name under which a part of the backend itself keeps its tables. */
export class OwnerReservedError extends AicoError {
  readonly owner: string;
  constructor(owner: string) {
    super(
      'AICO_DATA_OWNER_RESERVED',
      `${owner} is the name of a part of the backend, whose tables are closed`,
      {
        hint: 'Give the plugin another name, or ask that part for what is needed through its service.',
      },
    );
    this.owner = owner;
  }
}

/** A statement touches a table that belongs to somebody else and was not declared, or to nobody. */
export class TableNotOwnedError extends AicoError {
  readonly owner: string;
  readonly table: string;
  /** `undefined` for a table that no migration made, which is open to nobody. */
  readonly tableOwner: string | undefined;
  constructor(
    owner: string,
    table: string,
    tableOwner: string | undefined,
    what: 'read' | 'write' | 'change' | 'refer to',
  ) {
    const whose = tableOwner === undefined ? 'belongs to no owner' : `belongs to ${tableOwner}`;
    super('AICO_DATA_NOT_OWNED', `${owner} may not ${what} ${table}, which ${whose}`, {
      hint: hintFor(owner, tableOwner, what),
    });
    this.owner = owner;
    this.table = table;
    this.tableOwner = tableOwner;
  }
}

function hintFor(owner: string, tableOwner: string | undefined, what: string): string {
  if (tableOwner === undefined)
    return 'Make the table in a migration of its owner; what no migration made is closed.';
  return what === 'read' || what === 'write'
    ? `Declare it: ownedBy('${owner}', { ${what}s: ['${tableOwner}'] }); or ask ${tableOwner} for what is needed.`
    : `Only ${tableOwner} changes its tables, and makes what refers to them.`;
}

/** The migrations as given do not begin with those that were applied. */
export class MigrationChangedError extends AicoError {
  readonly owner: string;
  readonly migrationId: string;
  constructor(owner: string, migrationId: string, reason: string) {
    super('AICO_DATA_MIGRATION_CHANGED', `migration ${migrationId} of ${owner} ${reason}`, {
      hint: 'An applied migration never changes and keeps its place: restore it, and add a new one at the end.',
    });
    this.owner = owner;
    this.migrationId = migrationId;
  }
}

/** A migration failed; the schema is as it was before it. */
export class MigrationFailedError extends AicoError {
  readonly owner: string;
  readonly migrationId: string;
  constructor(owner: string, migrationId: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(
      'AICO_DATA_MIGRATION_FAILED',
      `migration ${migrationId} of ${owner} failed and was undone: ${reason}`,
      {
        hint: 'Correct its SQL; those before it stay applied.',
        cause,
      },
    );
    this.owner = owner;
    this.migrationId = migrationId;
  }
}
