import { defineError, reasonOf } from '@aico/protocol';
import { systemErrorIn } from '../../core/system-errors/index.ts';

/** There is not enough room for the copy. */
export class SpaceMissingError extends defineError({
  code: 'AICO_DATABASE_SPACE',
  hint: 'Free disk space first. Nothing was changed.',
  make: (folder: string, neededBytes: number, freeBytes: number) => {
    const mib = (bytes: number): string => `${Math.ceil(bytes / 1_048_576)} MiB`;
    return { message: `${folder} has ${mib(freeBytes)} free, but ${mib(neededBytes)} are needed` };
  },
}) {}

/** The key of the database could not be rotated; the message says which key is in force. */
export class RotationFailedError extends defineError({
  code: 'AICO_DATABASE_ROTATION',
  hint: 'Correct what the message names, then run the command again. `aico db check` tells whether the database is in order.',
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

/** A restore that has begun could not be finished now. */
export class RestoreUnfinishedError extends defineError({
  code: 'AICO_DATABASE_RESTORE_UNFINISHED',
  hint: 'Correct what the message names and keep every file: the next start, or `aico db restore`, finishes the restore.',
  make: (file: string, cause: unknown) => {
    const reason = systemErrorIn(cause)?.condition ?? reasonOf(cause);
    return {
      message: `the backup replaces ${file}, but the replacement is not complete: ${reason}`,
      cause,
    };
  },
}) {}

/** A backup is not complete. */
export class BackupFailedError extends defineError({
  code: 'AICO_DATABASE_BACKUP',
  hint: 'See the cause. The database was not changed.',
  make: (directory: string, cause: unknown) => ({ message: `no backup was made in ${directory}`, cause }),
}) {}

/** The record of an interrupted restore cannot be read, so the remaining steps are not known. */
export class RestoreIntentError extends defineError({
  code: 'AICO_DATABASE_RESTORE_INTENT',
  hint: 'Keep every file. Move this one away and run `aico db restore` again; the previous content of the home is beside it in before-restore-….',
  make: (file: string, cause: unknown) => ({
    message: `${file} records an interrupted restore, and cannot be read`,
    cause,
  }),
}) {}

/** The backup is incomplete or was changed, has another version, or was made with other keys. */
export class BackupDamagedError extends defineError({
  code: 'AICO_DATABASE_BACKUP_DAMAGED',
  hint: 'Use another backup. Nothing in the home was changed.',
  make: (folder: string, reason: string, cause?: unknown) => ({
    message: `the backup ${folder} is refused: ${reason}`,
    cause,
  }),
}) {}
