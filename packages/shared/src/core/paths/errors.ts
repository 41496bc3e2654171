import { AicoError } from '@aico/protocol';
import { systemErrorIn } from '../system-errors/index.ts';

/** A path that a person has given cannot be one, or does not say which file is meant. */
export class PathInvalidError extends AicoError {
  readonly path: string;

  constructor(path: string, reason: string) {
    super('AICO_PATHS_INVALID', `"${path}" cannot be used as a path: ${reason}`, {
      hint: 'Write the path in full; a name that really begins with ~ is written as ./~name.',
    });
    this.path = path;
  }
}

/** Neither `HOME` nor the user database of the system says where the user's home folder is. */
export class HomeFolderUnknownError extends AicoError {
  constructor() {
    super('AICO_PATHS_HOME_UNKNOWN', 'the home folder of this user is not known: HOME is empty or relative', {
      hint: 'Set HOME to an absolute path, or name the folder that holds everything: AICO_HOME=/some/folder.',
    });
  }
}

/** A folder of the home, or one above it, is a file. */
export class HomeNotFolderError extends AicoError {
  readonly folder: string;

  constructor(folder: string, cause: unknown) {
    super('AICO_PATHS_NOT_FOLDER', `cannot use ${folder}: a file stands where a folder should be`, {
      hint: 'Move the file away, or give another folder: AICO_HOME=/some/folder.',
      cause,
    });
    this.folder = folder;
  }
}

/** A folder of the home is a link that leads nowhere: a disk that is not mounted, for one. */
export class HomeDanglingError extends AicoError {
  readonly folder: string;

  constructor(folder: string, cause: unknown) {
    super('AICO_PATHS_DANGLING', `cannot use ${folder}: it is a link, and what it leads to is not there`, {
      hint: 'Mount or create what the link leads to, or remove the link.',
      cause,
    });
    this.folder = folder;
  }
}

/** This user may not create, read or write a folder of the home. */
export class HomeDeniedError extends AicoError {
  readonly folder: string;

  constructor(folder: string, cause: unknown) {
    super('AICO_PATHS_DENIED', `cannot use ${folder}: ${reasonOf(cause)}`, {
      hint: 'Give a folder that this user may read, write and enter: AICO_HOME=/some/folder.',
      cause,
    });
    this.folder = folder;
  }
}

/** A folder of the home cannot be used, for a reason that is none of the others: a full disk, a failing one. */
export class HomeUnusableError extends AicoError {
  readonly folder: string;

  constructor(folder: string, cause: unknown) {
    super('AICO_PATHS_UNUSABLE', `cannot use ${folder}: ${reasonOf(cause)}`, {
      hint:
        systemErrorIn(cause)?.hint ??
        'Mend what the message names, or give another folder: AICO_HOME=/some/folder.',
      cause,
    });
    this.folder = folder;
  }
}

/** A folder of the home belongs to somebody else, who could read and replace what lies in it. */
export class HomeForeignError extends AicoError {
  readonly folder: string;

  constructor(folder: string, owner: number) {
    super('AICO_PATHS_FOREIGN', `${folder} belongs to another user (uid ${owner})`, {
      hint: 'Private data belongs in a folder of your own: AICO_HOME=/some/folder, or take this one over with chown.',
    });
    this.folder = folder;
  }
}

/** Everybody on this machine may rename and replace a folder of the home, or one above it. */
export class HomeExposedError extends AicoError {
  readonly folder: string;

  constructor(folder: string, mode: number) {
    super(
      'AICO_PATHS_EXPOSED',
      `${folder} may be changed by every user of this machine (mode ${mode.toString(8).padStart(4, '0')}), who could replace what lies in it`,
      { hint: `Take that right away (chmod o-w ${folder}), or give another folder: AICO_HOME=/some/folder.` },
    );
    this.folder = folder;
  }
}

/** A file has its new content or name, and the system did not confirm that a power loss will keep it. */
export class WriteUnconfirmedError extends AicoError {
  readonly file: string;

  constructor(file: string, cause: unknown) {
    super(
      'AICO_PATHS_WRITE_UNCONFIRMED',
      `${file} is changed, and the change is in force, but the disk did not confirm it: ${reasonOf(cause)}`,
      {
        hint: 'After a power loss the state before the change may return. Check the disk, then repeat the command.',
        cause,
      },
    );
    this.file = file;
  }
}

function reasonOf(cause: unknown): string {
  return systemErrorIn(cause)?.message ?? (cause instanceof Error ? cause.message : String(cause));
}
