import { existsSync, statSync } from 'node:fs';
import type { AicoError } from '@aico/protocol';
import { HomeFileLostError } from './errors.ts';

/** Twice a second, so that a loss is noticed within one. */
const LOOK_EVERY_MS = 500;

interface HomeWatchOptions {
  /** Whether the lock file is still the one that this process has locked. */
  readonly isLockInPlace: () => boolean;
  readonly lockFile: string;
  readonly slotsFile: string;
  /** Rejects if the slot file does not belong to this home. */
  readonly proveSlots: () => Promise<unknown>;
  /** Called once, with the loss. */
  readonly onLost: (error: AicoError) => void;
  /** The interval of the checks in milliseconds; 500 by default. */
  readonly everyMs?: number;
}

/**
 * Checks that the lock and the key slots of a running home still exist. Without the lock file a second backend could start in
 * the same home, and without the slots the database could not be opened again, so after either loss nothing is acknowledged.
 * (The database checks its own files.)
 */
export class HomeWatch {
  readonly #options: HomeWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #slotsSeen: string | undefined;
  #lost: HomeFileLostError | undefined;

  constructor(options: HomeWatchOptions) {
    this.#options = options;
  }

  /** The loss that was found, if any. */
  get lost(): AicoError | undefined {
    return this.#lost;
  }

  start(): void {
    this.#slotsSeen = stateOf(this.#options.slotsFile);
    this.#lookLater();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #lookLater(): void {
    this.#timer = setTimeout(() => {
      void this.#look().then((lost) => {
        if (lost === undefined) {
          if (this.#timer !== undefined) this.#lookLater();
          return;
        }
        this.#lost = lost;
        this.#options.onLost(lost);
      });
    }, this.#options.everyMs ?? LOOK_EVERY_MS);
    this.#timer.unref();
  }

  async #look(): Promise<HomeFileLostError | undefined> {
    const { isLockInPlace, lockFile, slotsFile, proveSlots } = this.#options;
    if (!isLockInPlace())
      return new HomeFileLostError(lockFile, existsSync(lockFile) ? 'was replaced' : 'was removed');
    const slots = stateOf(slotsFile);
    if (slots === undefined) return new HomeFileLostError(slotsFile, 'was removed');
    if (slots === this.#slotsSeen) return undefined;
    // Changing a password replaces the file legitimately.
    try {
      await proveSlots();
      this.#slotsSeen = slots;
      return undefined;
    } catch (error) {
      return new HomeFileLostError(slotsFile, 'was replaced by one that is not of this home', error);
    }
  }
}

/** A value that changes when the file is written or replaced; `undefined` if it is missing. */
function stateOf(file: string): string | undefined {
  const found = statSync(file, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.dev}:${found.ino}:${found.mtimeNs}:${found.size}`;
}
