import { defineError, reasonOf } from '@aico/protocol';
import { systemErrorIn } from '../../core/system-errors/index.ts';

/** There is not enough room for the copy that is to be made. */
export class SpaceMissingError extends defineError({
  code: 'AICO_DATABASE_SPACE',
  hint: 'Make room first. Nothing was changed.',
  make: (folder: string, neededBytes: number, freeBytes: number) => {
    const mib = (bytes: number): string => `${Math.ceil(bytes / 1_048_576)} MiB`;
    return { message: `${folder} has ${mib(freeBytes)} free, and ${mib(neededBytes)} are needed` };
  },
}) {}

/** The database could not be encrypted anew; the message says which key is in force. */
export class RotationFailedError extends defineError({
  code: 'AICO_DATABASE_ROTATION',
  hint: 'Mend what the message names, then run the command again. `aico db check` tells whether the database itself is in order.',
  make: (file: string, state: 'undone' | 'unfinished', cause: unknown) => {
    const reason = systemErrorIn(cause)?.condition ?? reasonOf(cause);
    return {
      message:
        state === 'undone'
          ? `${file} could not be encrypted under a new key (${reason}); it is as it was, and the old key is in force`
          : `${file} could not be encrypted under a new key (${reason}), and that could not be undone now; both keys are kept, and the next start finishes the rotation or undoes it`,
      cause,
    };
  },
}) {}

/** A restore that was decided could not be finished now. */
export class RestoreUnfinishedError extends defineError({
  code: 'AICO_DATABASE_RESTORE_UNFINISHED',
  hint: 'Mend what the message names and keep every file: the next start, or `aico db restore`, brings the restore to its end.',
  make: (file: string, cause: unknown) => {
    const reason = systemErrorIn(cause)?.condition ?? reasonOf(cause);
    return {
      message: `the backup takes the place of ${file}, but not all of it could be put there yet: ${reason}`,
      cause,
    };
  },
}) {}

/** A backup did not come out whole. */
export class BackupFailedError extends defineError({
  code: 'AICO_DATABASE_BACKUP',
  hint: 'See the cause. The database is not touched by it.',
  make: (directory: string, cause: unknown) => ({ message: `no backup was made in ${directory}`, cause }),
}) {}

/** The note of a restore that was cut off cannot be read, so nobody knows what is left to do. */
export class RestoreIntentError extends defineError({
  code: 'AICO_DATABASE_RESTORE_INTENT',
  hint: 'Keep every file. Move this one away and run `aico db restore` again; what the home held lies beside it in before-restore-….',
  make: (file: string, cause: unknown) => ({
    message: `${file} speaks of a restore that was cut off, and is not understood`,
    cause,
  }),
}) {}

/** A backup that was cut or changed, is of another version, or was made with other keys. */
export class BackupDamagedError extends defineError({
  code: 'AICO_DATABASE_BACKUP_DAMAGED',
  hint: 'Take another backup. Nothing of the home was changed.',
  make: (folder: string, reason: string, cause?: unknown) => ({
    message: `the backup ${folder} is refused: ${reason}`,
    cause,
  }),
}) {}
