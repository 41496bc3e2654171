import { AicoError } from '@aico/protocol';
import { systemErrorIn } from '../system-errors/index.ts';

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

/** This user may not read, write, create or remove a file: it, or its folder, belongs to another user or is read-only. */
export class FileDeniedError extends AicoError {
  readonly file: string;

  constructor(file: string, doing: string, owner: number | undefined, cause: unknown) {
    const whose =
      owner === undefined ? '' : `; it belongs to uid ${owner}, and this process runs as ${self()}`;
    super('AICO_PATHS_FILE_DENIED', `cannot ${doing} ${file}: ${reasonOf(cause)}${whose}`, {
      hint: `Run the command as the user that the backend runs as, or give the file to that user: chown USER ${file}`,
      cause,
    });
    this.file = file;
  }
}

/** A file cannot be read, written, created or removed for another reason: no room, a failing disk, a file in the way. */
export class FileUnusableError extends AicoError {
  readonly file: string;

  constructor(file: string, doing: string, cause: unknown) {
    super('AICO_PATHS_FILE_UNUSABLE', `cannot ${doing} ${file}: ${reasonOf(cause)}`, {
      hint: hintOf(cause),
      cause,
    });
    this.file = file;
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

/** What a failure of the system with a file is told as; an error of the project's own stays what it is. */
export async function fileFailure(
  file: string,
  doing: string,
  error: unknown,
  look: (file: string) => Promise<{ readonly uid: number }>,
): Promise<Error> {
  if (error instanceof AicoError) return error;
  if (!['EACCES', 'EPERM', 'EROFS'].includes(codeOf(error))) return new FileUnusableError(file, doing, error);
  const owner = await look(file).then(
    ({ uid }) => uid,
    () => undefined,
  );
  return new FileDeniedError(file, doing, owner, error);
}

function hintOf(cause: unknown): string {
  switch (codeOf(cause)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'Make room on the disk or raise the quota, then repeat the command.';
    case 'EIO':
      return 'The disk fails: check it, and take a backup before anything else.';
    case 'EEXIST':
      return 'Choose another name, or move the file away.';
    default:
      return 'Mend what the message names, then repeat the command.';
  }
}

function self(): string {
  const uid = process.geteuid?.();
  return uid === undefined ? 'another user' : `uid ${uid}`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function reasonOf(cause: unknown): string {
  return systemErrorIn(cause)?.message ?? (cause instanceof Error ? cause.message : String(cause));
}
