import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Identifies a process beyond its id: ids are reused, and start again after a reboot. */
export interface ProcessIdentity {
  readonly pid: number;
  /** The start time in the system's format, for comparison only. */
  readonly startTime: string;
  /** The boot of the system, if it reports one. */
  readonly bootId: string | undefined;
}

/** The process that has this id now; `undefined` if there is none, or the system does not expose it. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const startTime = attempt(() => startTimeOf(pid));
  return startTime === undefined || startTime === '' ? undefined : { pid, startTime, bootId: bootId() };
}

/** Whether that very process still exists and is not a zombie. */
export function isAlive(identity: ProcessIdentity): boolean {
  const now = identityOf(identity.pid);
  if (now === undefined || now.startTime !== identity.startTime || now.bootId !== identity.bootId)
    return false;
  const [state] = process.platform === 'linux' ? (attempt(() => statOf(identity.pid)) ?? []) : [];
  return state !== 'Z' && state !== 'X';
}

function startTimeOf(pid: number): string | undefined {
  if (process.platform === 'linux') return statOf(pid)[1];
  if (process.platform === 'win32')
    return execFileSync('powershell', [
      '-NoProfile',
      '-Command',
      `(Get-Process -Id ${pid}).StartTime.ToUniversalTime().ToString('o')`,
    ])
      .toString()
      .trim();
  return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { env: { LC_ALL: 'C' }, stdio: 'pipe' })
    .toString()
    .trim();
}

function bootId(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  return attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
}

/** State and start time in ticks since boot: fields 3 and 22 of proc_pid_stat(5). */
function statOf(pid: number): readonly [state: string | undefined, startTicks: string | undefined] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the command's name in parentheses, which may contain spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return [fields[0], fields[19]];
}

/** The result of `ask`, or `undefined` if there is no such process or it cannot be queried. */
function attempt<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}
