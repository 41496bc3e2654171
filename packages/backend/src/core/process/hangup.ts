import { readFileSync, readlinkSync } from 'node:fs';

/** `O_ACCMODE` and `O_WRONLY` of open(2). */
const ACCESS_MODE = 0o3;
const WRITE_ONLY = 0o1;
/** SIGHUP is signal 1, so it is the lowest bit of a mask. */
const HANGUP_BIT = 1n;

/**
 * Whether this process was started with SIGHUP ignored, as by `nohup` and `trap '' HUP`. Node resets inherited signals before
 * any JavaScript runs, so this is inferred from their traces: the name of the command in `_` (set by bash, ksh and zsh), the
 * write-only `/dev/null` that nohup opens in place of a terminal, and a parent that ignores SIGHUP itself.
 */
export function isHangupIgnored(env: NodeJS.ProcessEnv = process.env): boolean {
  if (process.platform === 'win32') return false;
  return /(?:^|\/)nohup$/.test(env._ ?? '') || hasInputOfNohup() || ignoresHangup(process.ppid);
}

function hasInputOfNohup(): boolean {
  try {
    if (readlinkSync('/proc/self/fd/0') !== '/dev/null') return false;
    const [, flags = ''] = /^flags:\s*(\d+)$/m.exec(readFileSync('/proc/self/fdinfo/0', 'utf8')) ?? [];
    return (Number.parseInt(flags, 8) & ACCESS_MODE) === WRITE_ONLY;
  } catch {
    // No /proc, or no standard input.
    return false;
  }
}

function ignoresHangup(pid: number): boolean {
  try {
    const [, mask = '0'] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return (BigInt(`0x${mask}`) & HANGUP_BIT) !== 0n;
  } catch {
    return false;
  }
}
