import { defineError } from '@aico/protocol';
import { systemErrorIn } from '../../core/system-errors/index.ts';
import type { DatabaseStamp } from '../engine/commit-record.ts';

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

/** This process has already opened the database file. */
export class DatabaseOpenTwiceError extends defineError({
  code: 'AICO_DATA_OPEN_TWICE',
  exit: 'database',
  hint: 'Pass on the open database instead of opening it a second time.',
  make: (file: string) => ({ message: `this process has already opened ${file}`, file }),
}) {}

/** The database file is not encrypted. */
export class PlaintextDatabaseError extends defineError({
  code: 'AICO_DATA_PLAINTEXT',
  exit: 'database',
  hint: 'Move the file away. Import its rows if you need them.',
  make: (file: string) => ({ message: `${file} is not encrypted`, file }),
}) {}

/** The key does not open this database. */
export class DatabaseKeyWrongError extends defineError({
  code: 'AICO_DATA_KEY_WRONG',
  exit: 'database',
  hint: 'Restore the slot file and the database from the same backup.',
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
  hint: 'Another file has replaced the database: restore the newest backup.',
  make: (file: string, cause?: unknown) => ({ message: `${file} is not a database`, cause, file }),
}) {}

/** Pages of the database fail authentication or are malformed: the file was damaged or altered. */
export class DatabaseCorruptError extends defineError({
  code: 'AICO_DATA_CORRUPT',
  exit: 'database',
  hint: 'Keep the file unchanged, and restore the newest backup beside it.',
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

/** The database is not the one that was written last: it is an older copy, another database, or its log was cut. */
export class DatabaseRolledBackError extends defineError({
  code: 'AICO_DATABASE_ROLLED_BACK',
  exit: 'database',
  hint: 'If you put it there yourself, `aico db accept-rollback` takes it as it is. If not, keep every file and restore the newest backup.',
  make: (file: string, found: DatabaseStamp | 'nothing' | undefined, expected: DatabaseStamp) => {
    const stamp = found === 'nothing' ? undefined : found;
    const comparable = stamp !== undefined && stamp.id === expected.id && stamp.epoch === expected.epoch;
    return {
      message: `${file} ${describe(found, expected)}`,
      hint:
        found === 'nothing'
          ? 'Put the database back, or restore the newest backup with `aico db restore`. To begin with an empty one, run `aico db accept-rollback`.'
          : undefined,
      file,
      found: stamp,
      expected,
      /** The number of lost commits; `undefined` if the two histories cannot be compared. */
      missing: comparable ? expected.commits - stamp.commits : undefined,
    };
  },
}) {}

/** The head file beside the database is missing, so nothing proves that the database is the newest. */
export class DatabaseHeadMissingError extends defineError({
  code: 'AICO_DATABASE_HEAD_MISSING',
  exit: 'database',
  hint: 'If you put it there yourself, `aico db accept-rollback` takes it as it is. If not, keep every file and restore the newest backup.',
  make: (file: string, headFile: string) => ({
    message: `${file} exists, but its head file (${headFile}) does not`,
    file,
    headFile,
  }),
}) {}

function describe(found: DatabaseStamp | 'nothing' | undefined, expected: DatabaseStamp): string {
  if (found === 'nothing')
    return `is not there, and the keyring knows of ${expected.commits} commits of a database at this place`;
  if (found === undefined) return 'is a database that was not made here';
  if (found.id !== expected.id) return 'is another database than the one that was here';
  if (found.epoch !== expected.epoch)
    return `is from before a restore: it holds ${found.commits} commits, and ${expected.commits} are known of the one that was here`;
  const missing = expected.commits - found.commits;
  return (
    `is older than it was: it holds ${found.commits} commits of ${expected.commits}, and the last ${missing} ` +
    `${missing === 1 ? 'is' : 'are'} missing`
  );
}
