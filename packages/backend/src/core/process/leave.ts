import { accessSync, constants } from 'node:fs';
import { flushCompileCache } from 'node:module';

const SHELL = '/bin/sh';

/**
 * Ends the process with `code`, regardless of its threads. `process.exit()` waits for every worker thread, and endlessly for one
 * inside native code: an endless read, or a write to a disk that does not answer. Replacing the program by `exec` makes the
 * kernel end the threads and release their locks.
 */
export function leaveAtOnce(code: number): never {
  process.exitCode = code;
  process.emit('exit', code);
  endAtOnce(code);
}

/** As {@link leaveAtOnce}, once the listeners of `exit` have been called. */
export function endAtOnce(code: number): never {
  flushCompileCache();
  if (process.execve !== undefined && isExecutable(SHELL))
    process.execve(SHELL, ['sh', '-c', `exit ${Math.trunc(code)}`], {});
  process.exit(code);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return process.platform !== 'win32';
  } catch {
    return false;
  }
}
