import { defineError, reasonOf } from '@aico/protocol';
import { systemErrorIn } from '../system-errors/index.ts';
import { shellQuoted } from './shell-quoted.ts';

/** A path that a user has given is invalid or ambiguous. */
export class PathInvalidError extends defineError({
  code: 'AICO_PATHS_INVALID',
  exit: 'home',
  hint: 'Write the path in full; a name that really begins with ~ is written as ./~name.',
  make: (path: string, reason: string) => ({
    message: `"${path}" cannot be used as a path: ${reason}`,
    path,
  }),
}) {}

/** Neither `HOME` nor the user database of the system says where the user's home folder is. */
export class HomeFolderUnknownError extends defineError({
  code: 'AICO_PATHS_HOME_UNKNOWN',
  exit: 'home',
  hint: 'Set HOME to an absolute path, or name the folder that holds everything: AICO_HOME=/some/folder.',
  make: () => ({ message: 'the home folder of this user is not known: HOME is empty or relative' }),
}) {}

/** A folder of the home, or one above it, is a file. */
export class HomeNotFolderError extends defineError({
  code: 'AICO_PATHS_NOT_FOLDER',
  exit: 'home',
  hint: 'Move the file away, or give another folder: AICO_HOME=/some/folder.',
  make: (folder: string, cause: unknown) => ({
    message: `cannot use ${folder}: a file stands where a folder should be`,
    cause,
    folder,
  }),
}) {}

/** A folder of the home is a dangling link, such as one to a disk that is not mounted. */
export class HomeDanglingError extends defineError({
  code: 'AICO_PATHS_DANGLING',
  exit: 'home',
  hint: 'Mount or create what the link leads to, or remove the link.',
  make: (folder: string, cause: unknown) => ({
    message: `cannot use ${folder}: it is a link, and what it leads to is not there`,
    cause,
    folder,
  }),
}) {}

/** This user may not create, read or write a folder of the home. */
export class HomeDeniedError extends defineError({
  code: 'AICO_PATHS_DENIED',
  exit: 'home',
  hint: 'Give a folder that this user may read, write and enter: AICO_HOME=/some/folder.',
  make: (folder: string, cause: unknown) => ({
    message: `cannot use ${folder}: ${conditionOf(cause)}`,
    cause,
    folder,
  }),
}) {}

/** A folder of the home cannot be used for any other reason, such as a full or failing disk. */
export class HomeUnusableError extends defineError({
  code: 'AICO_PATHS_UNUSABLE',
  exit: 'home',
  make: (folder: string, cause: unknown) => ({
    message: `cannot use ${folder}: ${conditionOf(cause)}`,
    hint:
      systemErrorIn(cause)?.hint ??
      'Correct what the message names, or give another folder: AICO_HOME=/some/folder.',
    cause,
    folder,
  }),
}) {}

/** A folder of the home belongs to another user, who could read and replace its files. */
export class HomeForeignError extends defineError({
  code: 'AICO_PATHS_FOREIGN',
  exit: 'home',
  hint: 'Private data belongs in a folder of your own: AICO_HOME=/some/folder, or take this one over with chown.',
  make: (folder: string, owner: number) => ({
    message: `${folder} belongs to another user (uid ${owner})`,
    folder,
  }),
}) {}

/** Every user of this machine may change a folder or file of the home, or replace one on the path to it. */
export class HomeExposedError extends defineError({
  code: 'AICO_PATHS_EXPOSED',
  exit: 'home',
  make: (folder: string, mode: number) => ({
    message: `every user of this machine may change ${folder} (mode ${mode.toString(8).padStart(4, '0')}), and so replace private data or code`,
    hint: `Take that right away: chmod o-w ${shellQuoted(folder)}. Or use another home: AICO_HOME=/some/folder.`,
    folder,
  }),
}) {}

/** A file has its new content or name, but the system did not confirm that it survives a power loss. */
export class WriteUnconfirmedError extends defineError({
  code: 'AICO_PATHS_WRITE_UNCONFIRMED',
  exit: 'home',
  hint: 'After a power loss the state before the change may return. Check the disk, then repeat the command.',
  make: (file: string, cause: unknown) => ({
    message: `${file} is changed, and the change is in force, but the disk did not confirm it: ${conditionOf(cause)}`,
    cause,
    file,
  }),
}) {}

function conditionOf(cause: unknown): string {
  return systemErrorIn(cause)?.message ?? reasonOf(cause);
}
