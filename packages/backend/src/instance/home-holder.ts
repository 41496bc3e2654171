import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { readInstance } from './instance-file.ts';
import { identityOf, isAlive, type ProcessIdentity } from './process-identity.ts';

/** The files that show which process holds a home. */
export interface HomeFiles {
  readonly lockFile: string;
  readonly instanceFile: string;
  readonly databaseFile: string;
}

/**
 * The process that holds the home, other than this one. On Linux the kernel reports the holder of the lock, or of the locks of
 * the open database if the lock file was removed; the instance file counts only for a process that has one of those files open.
 * On other systems it is the process of the instance file, if its start time matches.
 *
 * @returns `undefined` if no process certainly holds it
 */
export function findHolder(files: HomeFiles): ProcessIdentity | undefined {
  const { lockFile, instanceFile, databaseFile } = files;
  for (const file of [lockFile, databaseFile])
    for (const pid of lockHolders(file) ?? []) {
      const identity = pid === process.pid ? undefined : identityOf(pid);
      if (identity !== undefined && isAlive(identity)) return identity;
    }
  const named = readInstance(instanceFile)?.process;
  if (named === undefined || named.pid === process.pid || !isAlive(named)) return undefined;
  return process.platform !== 'linux' || hasOpen(named.pid, [lockFile, databaseFile]) ? named : undefined;
}

/** Processes that hold a lock on `file` according to the kernel; `undefined` if it lists no locks at all. */
export function lockHolders(file: string): readonly number[] | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const { dev, ino } = statSync(file, { bigint: true });
    const listed = readFileSync('/proc/locks', 'utf8')
      .split('\n')
      .map((line) => /^\d+: POSIX +\S+ +\S+ +(\d+) +[0-9a-f]+:[0-9a-f]+:(\d+) /.exec(line))
      .filter((match) => match !== null && BigInt(match[2] ?? 0) === ino)
      .map((match) => Number(match?.[1]));
    // File systems with several parts (btrfs, overlays) list another device than stat() returns.
    return [...new Set(listed)].filter((pid) => pid > 0 && hasFile(pid, dev, ino) !== false);
  } catch {
    return undefined;
  }
}

/** Whether the process has that file open; `undefined` for a process of another user. */
function hasFile(pid: number, dev: bigint, ino: bigint): boolean | undefined {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((descriptor) => {
      const found = statSync(`/proc/${pid}/fd/${descriptor}`, { bigint: true, throwIfNoEntry: false });
      return found?.dev === dev && found.ino === ino;
    });
  } catch {
    return undefined;
  }
}

/** Whether the process has one of the files open by its name, even if it was removed meanwhile. */
function hasOpen(pid: number, files: readonly string[]): boolean {
  const names = new Set(files.flatMap((file) => [file, `${file} (deleted)`]));
  try {
    return readdirSync(`/proc/${pid}/fd`).some((descriptor) => {
      try {
        return names.has(readlinkSync(`/proc/${pid}/fd/${descriptor}`));
      } catch {
        // Closed meanwhile.
        return false;
      }
    });
  } catch {
    return false;
  }
}
