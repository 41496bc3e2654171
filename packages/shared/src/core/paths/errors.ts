import { AicoError } from '@aico/protocol';

/** A folder of the home cannot be made, read or written. */
export class HomeUnusableError extends AicoError {
  readonly folder: string;

  constructor(folder: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super('AICO_PATHS_UNUSABLE', `cannot use ${folder}: ${reason}`, {
      hint: 'Give a folder that this user may create and write to: AICO_HOME=/some/folder. Nothing was changed.',
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
