import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * Which process a number stands for. A number is given anew once its process has gone, and a machine that was started
 * again counts from the beginning, so the number alone says nothing.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it began, in the words of the system; compared, never read. */
  readonly startTime: string;
  /** Which run of the system, where the system tells. */
  readonly bootId: string | undefined;
}

/** The process that has this number now; `undefined` where none has, or the system does not tell. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const startTime = attempt(() => startTimeOf(pid));
  return startTime === undefined || startTime === '' ? undefined : { pid, startTime, bootId: bootId() };
}

/** Whether that very process is still there and does something: one that ended and was not waited for does not. */
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

/** State and time of start in ticks since boot: fields 3 and 22 of proc_pid_stat(5). */
function statOf(pid: number): readonly [state: string | undefined, startTicks: string | undefined] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the command's name in parentheses, which may itself have spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return [fields[0], fields[19]];
}

/** The answer of the system, or `undefined` where there is no such process or no way to ask. */
function attempt<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}
