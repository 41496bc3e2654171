import { access } from 'node:fs/promises';
import { WriteUnconfirmedError, whileLocked } from '../../core/paths/index.ts';
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
import { openWrappedKey } from './wrapped-keys.ts';

/** Milliseconds to wait for another process that changes the slot file; hashing a password takes a second of it. */
const LONGEST_WAIT_MS = 15_000;

/** The slot file of one home. Changes are serialised, within this process and between processes. */
export class SlotStore {
  readonly file: string;
  /** Runs work that no change of the file by this process may interrupt. */
  readonly exclusive = createMutex();

  constructor(file: string) {
    this.file = file;
  }

  /** Whether the file exists (it may be damaged). */
  async exists(): Promise<boolean> {
    return await access(this.file).then(
      () => true,
      (error: unknown) => !(error instanceof Error && 'code' in error && error.code === 'ENOENT'),
    );
  }

  /** Reads the file, and refuses unsafe parameters before any work is done with them. */
  async read(): Promise<ReadSlotFile> {
    return await readSlotFile(this.file, (body) => body.slots.forEach(refuseUnsafeCost));
  }

  /** @throws {SlotFileDamagedError} when the file was not written with `root` */
  prove(read: ReadSlotFile, root: GuardedKey): void {
    proveSlotFile(this.file, read, root);
  }

  /** Writes the file. `hold` runs when the new content is in force, even if the disk has not confirmed it and this throws. */
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
   * Runs `work` while no other change of the file is in progress. A change based on an older content would undo the other one,
   * and a database key that was just staged would be lost.
   *
   * @throws {SlotFileBusyError} when another process does not finish
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

  /**
   * A copy of the key `name` of `body`, which the caller wipes.
   * @throws {SlotFileDamagedError} when it does not open
   */
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
