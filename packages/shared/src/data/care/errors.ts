import { AicoError } from '@aico/protocol';
import { systemErrorIn } from '../../core/system-errors/index.ts';

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
