import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Ticks a second in `/proc`: USER_HZ, 100 on every Linux that Node runs on (proc_pid_stat(5)). */
const TICKS_A_SECOND = 100;

/** Times of start are told in whole seconds by some systems. */
const SLACK_MS = 2_000;

/** Whether there is such a process and it still does something: one that ended and was not waited for does not. */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  const [state] = await statOf(pid);
  return state !== 'Z' && state !== 'X';
}

/**
 * Whether the process that has this number now is the one that had it at `instant`. A number is given anew only after
 * its process has gone, so whoever has it and began before is the same.
 *
 * @param instant RFC 3339
 * @returns `undefined` where the system does not tell
 */
export async function isProcessOf(pid: number, instant: string): Promise<boolean | undefined> {
  const startedAt = await startTimeOf(pid).catch(() => undefined);
  return startedAt === undefined ? undefined : startedAt <= Date.parse(instant) + SLACK_MS;
}

/** When a process began, in milliseconds since 1970. */
async function startTimeOf(pid: number): Promise<number | undefined> {
  if (process.platform === 'linux') {
    const [, ticks] = await statOf(pid);
    const [uptime] = (await readFile('/proc/uptime', 'utf8')).split(' ');
    if (ticks === undefined) return undefined;
    return Date.now() - (Number(uptime) - Number(ticks) / TICKS_A_SECOND) * 1_000;
  }
  if (process.platform === 'win32') {
    const { stdout } = await run('powershell', [
      '-NoProfile',
      '-Command',
      `(Get-Process -Id ${pid}).StartTime.ToUniversalTime().ToString('o')`,
    ]);
    return parsed(stdout);
  }
  const { stdout } = await run('ps', ['-o', 'lstart=', '-p', String(pid)], { env: { LC_ALL: 'C' } });
  return parsed(stdout);
}

function parsed(text: string): number | undefined {
  const instant = Date.parse(text.trim());
  return Number.isNaN(instant) ? undefined : instant;
}

/** State and time of start in ticks since boot, fields 3 and 22; nothing where there is no `/proc`. */
async function statOf(pid: number): Promise<readonly [state?: string, startTicks?: string]> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The second field is the command's name in parentheses, which may itself have spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, startTicks] = [fields[0], fields[19]];
  return state && startTicks ? [state, startTicks] : [];
}
