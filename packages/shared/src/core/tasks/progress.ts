import { AsyncLocalStorage } from 'node:async_hooks';

/** Receives descriptions of progress, reported by the work or by functions that it calls. */
export type ProgressListener = (what: string) => void;

/** Milliseconds between two checks of work that reports nothing itself. */
const LOOK_EVERY_MS = 500;
/** Microseconds of processor time between two checks that count as progress. */
const BUSY_US = 25_000;

/**
 * The watch of the running asynchronous context. There is one storage for the process: a database that recovers its log does
 * not know which service's start waits for it.
 */
const storage = new AsyncLocalStorage<ProgressWatch>();

/** Holds the listener for progress. It is set to `undefined` when the watch ends, since work may continue after that. */
export interface ProgressWatch {
  listener: ProgressListener | undefined;
}

/** Calls `work`; the watch's listener receives the progress of everything that it starts. */
export function watchProgress<T>(watch: ProgressWatch, work: () => T): T {
  return storage.run(watch, work);
}

/**
 * Reports progress, which restarts a deadline that watches for progress. Does nothing where there is no watch.
 *
 * @example for (const batch of batches) { await insert(batch); reportProgress(`${batch.at} rows`); }
 */
export function reportProgress(what: string): void {
  storage.getStore()?.listener?.(what);
}

/**
 * Awaits `work` that reports no progress itself. Reports progress when it is done and, until then, whenever the process has used
 * the processor or the disk: the recovery of a large log does, and a dead disk causes neither.
 */
export async function reportActivity<T>(what: string, work: Promise<T>): Promise<T> {
  const watch = storage.getStore();
  if (watch?.listener === undefined) return await work;
  let before = process.resourceUsage();
  const timer = setInterval(() => {
    const now = process.resourceUsage();
    const busyUs = now.userCPUTime + now.systemCPUTime - before.userCPUTime - before.systemCPUTime;
    const reachedDisk = now.fsRead > before.fsRead || now.fsWrite > before.fsWrite;
    before = now;
    if (busyUs > BUSY_US || reachedDisk) watch.listener?.(what);
  }, LOOK_EVERY_MS);
  timer.unref();
  try {
    return await work;
  } finally {
    clearInterval(timer);
    watch.listener?.(what);
  }
}
