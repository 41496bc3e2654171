import { expectSameFile, type FileIdentity } from './database-file.ts';

/** The interval of the checks: a file that was removed or replaced is detected within a second. */
const CHECK_EVERY_MS = 500;

/** Checks periodically that the paths of open files still name them: rows that are written to an unlinked file are lost. */
export class FileWatch {
  readonly #identities: readonly FileIdentity[];
  readonly #onLost: (error: Error) => void;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** @param onLost called once, with an error that names the lost file */
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
          // Closing the database removes its log, which is no loss.
          if (!this.#stopped) this.#onLost(error);
        },
      );
    }, CHECK_EVERY_MS);
    this.#timer.unref();
  }
}
