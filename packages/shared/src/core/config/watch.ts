import { type FSWatcher, watch } from 'node:fs';
import path from 'node:path';

/** Editors write in several steps; what happens within this time of each other is one change. */
const SETTLE_MS = 50;

/**
 * Calls `changed` when one of the files is written, made, replaced or removed, until the returned function is called.
 * It is their folders that are watched, since most editors replace a file; these must exist. Keeps no process alive.
 *
 * @throws the system's error when a folder is not there or cannot be watched
 */
export function watchFiles(
  files: readonly string[],
  changed: () => void,
  failed: (error: unknown) => void,
): () => void {
  const watchers: FSWatcher[] = [];
  let settle: NodeJS.Timeout | undefined;
  const stop = (): void => {
    clearTimeout(settle);
    for (const watcher of watchers) watcher.close();
  };
  const names = new Set(files.map((file) => path.basename(file)));
  try {
    for (const folder of new Set(files.map((file) => path.dirname(file)))) {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (name !== null && !names.has(name)) return;
        clearTimeout(settle);
        settle = setTimeout(changed, SETTLE_MS).unref();
      });
      watcher.on('error', failed);
      watchers.push(watcher);
    }
  } catch (error) {
    stop();
    throw error;
  }
  return stop;
}
