import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { SlotFileBusyError, SlotFileInaccessibleError } from './errors.ts';

const LOOK_EVERY_MS = 25;
const LONGEST_WAIT_MS = 15_000;
/** No change takes this long: its holder is gone, though another process may have its number. */
const STALE_AFTER_MS = 60_000;
/** Between making the lock and writing the number into it lies no time worth naming. */
const EMPTY_STALE_AFTER_MS = 2_000;

/**
 * Runs `work` while no other process changes the slot file: a change that is made from what the file said before
 * another's would undo that one, and a database key that was just staged would be lost for ever.
 *
 * @throws {SlotFileBusyError} when another process holds on to it
 */
export async function whileHolding<T>(slotsFile: string, work: () => Promise<T>): Promise<T> {
  const lock = `${slotsFile}.lock`;
  const deadline = performance.now() + LONGEST_WAIT_MS;
  while (!(await take(lock, slotsFile))) {
    if (await isStale(lock)) await rm(lock, { force: true });
    else if (performance.now() > deadline) throw new SlotFileBusyError(slotsFile, lock);
    else await delay(LOOK_EVERY_MS);
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function take(lock: string, slotsFile: string): Promise<boolean> {
  try {
    await writeFile(lock, String(process.pid), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw new SlotFileInaccessibleError(slotsFile, 'written', error);
  }
}

async function isStale(lock: string): Promise<boolean> {
  try {
    const ageMs = Math.abs(Date.now() - (await stat(lock)).mtimeMs);
    const pid = Number(await readFile(lock, 'utf8'));
    if (!Number.isInteger(pid) || pid <= 0) return ageMs > EMPTY_STALE_AFTER_MS;
    return ageMs > STALE_AFTER_MS || !lives(pid);
  } catch {
    // Gone meanwhile: the next try takes it.
    return false;
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
