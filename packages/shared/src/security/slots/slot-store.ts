import { access } from 'node:fs/promises';
import { WriteUnconfirmedError } from '../../core/paths/index.ts';
import { createMutex } from '../../core/tasks/index.ts';
import { SlotFileBusyError, SlotFileDamagedError, SlotFileInaccessibleError } from '../errors.ts';
import type { GuardedKey } from '../keys/guarded-key.ts';
import {
  proveSlotFile,
  type ReadSlotFile,
  readSlotFile,
  type SlotFileBody,
  writeSlotFile,
} from './slot-file.ts';
import { refuseUnsafeCost } from './slots.ts';
import { whileLocked } from './system-lock.ts';
import { openWrappedKey } from './wrapped-keys.ts';

/** For another process that changes the slot file; the work on a password takes a second of it. */
const LONGEST_WAIT_MS = 15_000;

/** The slot file of one home on the disk. Changes run one after another, in this process and in others. */
export class SlotStore {
  readonly file: string;
  /** Runs work that no change of the file by this process may overtake. */
  readonly exclusive = createMutex();

  constructor(file: string) {
    this.file = file;
  }

  /** Whether the file is there (it may still be damaged). */
  async exists(): Promise<boolean> {
    return await access(this.file).then(
      () => true,
      (error: unknown) => !(error instanceof Error && 'code' in error && error.code === 'ENOENT'),
    );
  }

  /** Reads the file, and refuses parameters that are unsafe before any work is done with them. */
  async read(): Promise<ReadSlotFile> {
    return await readSlotFile(this.file, (body) => body.slots.forEach(refuseUnsafeCost));
  }

  /** @throws {SlotFileDamagedError} when the owner of `root` did not write the file */
  prove(read: ReadSlotFile, root: GuardedKey): void {
    proveSlotFile(this.file, read, root);
  }

  /** Writes the file. `hold` runs when the new content is in force, also when the disk has not confirmed it and this throws. */
  async write(body: SlotFileBody, root: GuardedKey, hold = (): void => {}): Promise<void> {
    try {
      await writeSlotFile(this.file, body, root);
    } catch (error) {
      if (error instanceof WriteUnconfirmedError) hold();
      throw error;
    }
    hold();
  }

  /**
   * Runs `work` while nothing else changes the file: a change that is made from what the file said before another's would
   * undo that one, and a database key that was just staged would be lost for ever.
   *
   * @throws {SlotFileBusyError} when another process holds on to it
   */
  async change<T>(work: () => Promise<T>): Promise<T> {
    return await this.exclusive(async () => {
      let isHeld = false;
      try {
        return await whileLocked(
          `${this.file}.guard`,
          { waitMs: LONGEST_WAIT_MS, busy: () => new SlotFileBusyError(this.file) },
          async () => {
            isHeld = true;
            return await work();
          },
        );
      } catch (error) {
        if (isHeld || error instanceof SlotFileBusyError) throw error;
        throw new SlotFileInaccessibleError(this.file, 'written', error);
      }
    });
  }

  /** A copy of the key `name` of `body`, the caller's to wipe. @throws {SlotFileDamagedError} when it does not open */
  copyKey(body: SlotFileBody, name: string, root: GuardedKey): Uint8Array {
    const key = openWrappedKey(body, name, root);
    if (key === undefined) throw new SlotFileDamagedError(this.file, `its key "${name}" does not open`);
    try {
      return key.use((memory) => Uint8Array.from(memory));
    } finally {
      key.wipe();
    }
  }
}
