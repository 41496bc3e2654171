import { AicoError } from '@aico/protocol';

/** A folder of the home, or one above it, is in fact a file. */
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
      hint: 'Mend what the message names, or give another folder: AICO_HOME=/some/folder.',
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

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
