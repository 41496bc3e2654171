import { defineError, reasonOf } from '@aico/protocol';
import { systemErrorIn } from '@aico/shared/core/system-errors';
import type { RunningInstance } from './instance-file.ts';

/** A file that the home needs was removed or replaced while the backend was running. */
export class HomeFileLostError extends defineError({
  code: 'AICO_HOME_FILE_LOST',
  exit: 'home',
  hint: 'Do not stop the backend yet. Put the file back if it was moved, or export what you need (aico db query); then stop it and restore the newest backup.',
  make: (file: string, what: string, cause?: unknown) => ({
    message: `${file} ${what} while the backend runs`,
    cause,
    file,
  }),
}) {}

/** Another backend uses the same home. */
export class InstanceRunningError extends defineError({
  code: 'AICO_INSTANCE_RUNNING',
  exit: 'instance',
  hint: 'Use it (`aico status`), stop it (`aico stop`), or give this one a home of its own: AICO_HOME=…',
  /** @param holder the process that holds the home, if the system reports it; it takes precedence over the instance file */
  make: (lockFile: string, running: RunningInstance | undefined, holder?: number, cause?: unknown) => {
    const pid = holder ?? running?.pid;
    const since = running !== undefined && running.pid === pid ? `, since ${running.startedAt}` : '';
    const who = pid === undefined ? '' : ` (pid ${pid}${since})`;
    return { message: `another backend runs on this home already${who}`, cause, lockFile, pid };
  },
}) {}

/** The lock file could not be created or locked. */
export class InstanceLockError extends defineError({
  code: 'AICO_INSTANCE_LOCK',
  exit: 'home',
  make: (lockFile: string, cause: unknown) => {
    const system = systemErrorIn(cause);
    const reason = system?.condition ?? reasonOf(cause);
    return {
      message: `cannot lock ${lockFile}: ${reason}`,
      hint: system?.hint ?? 'The home must lie on a local disk that this user may write to.',
      cause: system ?? cause,
    };
  },
}) {}
