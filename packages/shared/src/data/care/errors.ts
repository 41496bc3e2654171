import { AicoError } from '@aico/protocol';
import { systemErrorIn } from '../../core/system-errors/index.ts';
import type { DatabaseStamp } from '../engine/commit-record.ts';

const ACCEPT =
  'If you put it there yourself, `aico db accept-rollback` takes it as it is. If not, keep every file and restore the newest backup.';

const RESTORE =
  'Put the database back, or restore the newest backup with `aico db restore`. To begin with an empty one, run `aico db accept-rollback`.';

/** What the head beside the database says of it. */
export interface HeadStamp extends DatabaseStamp {}

/** The database that lies there is not the one that was last written: an older copy, a cut log, or another's. */
export class DatabaseRolledBackError extends AicoError {
  readonly file: string;
  readonly found: DatabaseStamp | undefined;
  readonly expected: HeadStamp;
  /** Commits that were durable once and are not there; `undefined` where the two cannot be compared. */
  readonly missing: number | undefined;

  constructor(file: string, found: DatabaseStamp | 'nothing' | undefined, expected: HeadStamp) {
    const stamp = found === 'nothing' ? undefined : found;
    const comparable = stamp !== undefined && stamp.id === expected.id && stamp.epoch === expected.epoch;
    super('AICO_DATABASE_ROLLED_BACK', `${file} ${describe(found, expected)}`, {
      hint: found === 'nothing' ? RESTORE : ACCEPT,
    });
    this.file = file;
    this.found = stamp;
    this.expected = expected;
    this.missing = comparable ? expected.commits - stamp.commits : undefined;
  }
}

/** The head beside the database is gone, and with it the proof that the database is the newest. */
export class DatabaseHeadMissingError extends AicoError {
  readonly file: string;
  readonly headFile: string;

  constructor(file: string, headFile: string) {
    super(
      'AICO_DATABASE_HEAD_MISSING',
      `${file} is there, and the head that vouches for it (${headFile}) is not`,
      {
        hint: ACCEPT,
      },
    );
    this.file = file;
    this.headFile = headFile;
  }
}

function describe(found: DatabaseStamp | 'nothing' | undefined, expected: HeadStamp): string {
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

/** There is not enough room for the copy that is to be made. */
export class SpaceMissingError extends AicoError {
  constructor(folder: string, neededBytes: number, freeBytes: number) {
    const mib = (bytes: number): string => `${Math.ceil(bytes / 1_048_576)} MiB`;
    super('AICO_DATABASE_SPACE', `${folder} has ${mib(freeBytes)} free, and ${mib(neededBytes)} are needed`, {
      hint: 'Make room first. Nothing was changed.',
    });
  }
}

/** The database could not be encrypted anew; the message says which key is in force. */
export class RotationFailedError extends AicoError {
  constructor(file: string, state: 'undone' | 'unfinished', cause: unknown) {
    const reason =
      systemErrorIn(cause)?.condition ?? (cause instanceof Error ? cause.message : String(cause));
    super(
      'AICO_DATABASE_ROTATION',
      state === 'undone'
        ? `${file} could not be encrypted under a new key (${reason}); it is as it was, and the old key is in force`
        : `${file} could not be encrypted under a new key (${reason}), and that could not be undone now; both keys are kept, and the next start finishes the rotation or undoes it`,
      {
        hint: 'Mend what the message names, then run the command again. `aico db check` tells whether the database itself is in order.',
        cause,
      },
    );
  }
}

/** A restore that was decided could not be finished now. */
export class RestoreUnfinishedError extends AicoError {
  constructor(file: string, cause: unknown) {
    const reason =
      systemErrorIn(cause)?.condition ?? (cause instanceof Error ? cause.message : String(cause));
    super(
      'AICO_DATABASE_RESTORE_UNFINISHED',
      `the backup takes the place of ${file}, but not all of it could be put there yet: ${reason}`,
      {
        hint: 'Mend what the message names and keep every file: the next start, or `aico db restore`, brings the restore to its end.',
        cause,
      },
    );
  }
}

/** A backup did not come out whole. */
export class BackupFailedError extends AicoError {
  constructor(directory: string, cause: unknown) {
    super('AICO_DATABASE_BACKUP', `no backup was made in ${directory}`, {
      hint: 'See the cause. The database is not touched by it.',
      cause,
    });
  }
}

/** The note of a restore that was cut off cannot be read, so nobody knows what is left to do. */
export class RestoreIntentError extends AicoError {
  constructor(file: string, cause: unknown) {
    super(
      'AICO_DATABASE_RESTORE_INTENT',
      `${file} speaks of a restore that was cut off, and is not understood`,
      {
        hint: 'Keep every file. Move this one away and run `aico db restore` again; what the home held lies beside it in before-restore-….',
        cause,
      },
    );
  }
}

/** A backup that was cut or changed, is of another version, or was made with other keys. */
export class BackupDamagedError extends AicoError {
  constructor(folder: string, reason: string, cause?: unknown) {
    super('AICO_DATABASE_BACKUP_DAMAGED', `the backup ${folder} is refused: ${reason}`, {
      hint: 'Take another backup. Nothing of the home was changed.',
      cause,
    });
  }
}
