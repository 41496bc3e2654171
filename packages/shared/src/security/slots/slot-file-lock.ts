import { SlotFileBusyError, SlotFileInaccessibleError } from '../errors.ts';
import { whileLocked } from './system-lock.ts';

/** For another process that changes the slot file; the work on a password takes a second of it. */
const LONGEST_WAIT_MS = 15_000;

/**
 * Runs `work` while no other process changes the slot file: a change that is made from what the file said before
 * another's would undo that one, and a database key that was just staged would be lost for ever.
 *
 * @throws {SlotFileBusyError} when another process holds on to it
 */
export async function whileHolding<T>(slotsFile: string, work: () => Promise<T>): Promise<T> {
  let isHeld = false;
  try {
    return await whileLocked(
      `${slotsFile}.guard`,
      { waitMs: LONGEST_WAIT_MS, busy: () => new SlotFileBusyError(slotsFile) },
      async () => {
        isHeld = true;
        return await work();
      },
    );
  } catch (error) {
    if (isHeld || error instanceof SlotFileBusyError) throw error;
    throw new SlotFileInaccessibleError(slotsFile, 'written', error);
  }
}
