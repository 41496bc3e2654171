import { AsyncLocalStorage } from 'node:async_hooks';

/** Hears what work has got done, in words, from whatever the work calls. */
export type ProgressListener = (what: string) => void;

/** How often work whose steps say nothing is looked at. */
const LOOK_EVERY_MS = 500;
/** Processor time, in microseconds, that says of such work that it goes on. */
const BUSY_US = 25_000;

/**
 * Who watches what runs now. One for the process, as the asynchronous context itself is: a database that recovers its log
 * does not know which service's start waits for it.
 */
const storage = new AsyncLocalStorage<ProgressWatch>();

/** Who hears of progress; nobody any more once `listener` is `undefined`, as work that was begun meanwhile goes on. */
export interface ProgressWatch {
  listener: ProgressListener | undefined;
}

/** Calls `work`; the watch's listener hears of the progress of all that it starts. */
export function watchProgress<T>(watch: ProgressWatch, work: () => T): T {
  return storage.run(watch, work);
}

/**
 * Says that work has got something done, so that a deadline which watches progress begins anew. Does nothing where none does.
 *
 * @example for (const batch of batches) { await insert(batch); reportProgress(`${batch.at} rows`); }
 */
export function reportProgress(what: string): void {
  storage.getStore()?.listener?.(what);
}

/**
 * Awaits `work` whose steps cannot be seen from outside, and reports progress when it is done and, until then, whenever the
 * process has computed or reached the disk: a log that is recovered takes as long as it is large, and a dead disk does neither.
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
