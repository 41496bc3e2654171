import { AicoError } from '@aico/protocol';

/** A file without which the home cannot be opened again, or not be kept to one backend, was removed or replaced. */
export class HomeFileLostError extends AicoError {
  readonly file: string;

  constructor(file: string, what: string, cause?: unknown) {
    super('AICO_HOME_FILE_LOST', `${file} ${what} while the backend runs`, {
      hint: 'Do not stop the backend yet. Put the file back if it was moved, or export what you need (aico db query); then stop it and restore the newest backup.',
      cause,
    });
    this.file = file;
  }
}
