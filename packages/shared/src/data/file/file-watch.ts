import { expectSameFile, type FileIdentity } from './database-file.ts';

/** Twice a second, so that a file that was removed or replaced is noticed within one. */
const LOOK_EVERY_MS = 500;

/** Checks repeatedly that the names of open files still stand for them: rows written to an unlinked file are lost. */
export class FileWatch {
  readonly #identities: readonly FileIdentity[];
  readonly #onLost: (error: Error) => void;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** @param onLost called once, with the error that says which file was lost */
  constructor(identities: readonly FileIdentity[], onLost: (error: Error) => void) {
    this.#identities = identities;
    this.#onLost = onLost;
    this.#lookLater();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #lookLater(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      Promise.all(this.#identities.map(expectSameFile)).then(
        () => this.#lookLater(),
        (error: Error) => {
          // While the database closes, its log goes.
          if (!this.#stopped) this.#onLost(error);
        },
      );
    }, LOOK_EVERY_MS);
    this.#timer.unref();
  }
}
