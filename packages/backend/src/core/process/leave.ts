import { accessSync, constants } from 'node:fs';
import { flushCompileCache } from 'node:module';

const SHELL = '/bin/sh';

/**
 * Ends the process with `code`, whatever its threads do. `process.exit()` waits for every worker thread, and for ever for
 * one that is inside native code: a read without end, a write to a disk that does not answer. Replacing the program takes
 * no thread's consent: the kernel ends them, and lets go of their locks.
 */
export function leaveAtOnce(code: number): never {
  process.exitCode = code;
  process.emit('exit', code);
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
