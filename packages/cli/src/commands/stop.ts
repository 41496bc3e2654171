import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { findHolder } from '@aico/backend/home-holder';
import { identityOf, isAlive, type ProcessIdentity } from '@aico/backend/process-identity';
import { BackendNotRunningError } from '@aico/client/local';
import { ExitCode } from '@aico/protocol';
import type { Command } from 'commander';
import { secondsUpTo } from '../argument-values.ts';
import type { CommandContext } from '../context.ts';
import { CommandFailedError } from '../errors.ts';

/** The interval in milliseconds at which the process is checked. */
const POLL_MS = 25;

interface StopOptions {
  readonly timeout: number;
  readonly force?: boolean;
}

export function register(program: Command, context: CommandContext): void {
  program
    .command('stop')
    .description('stop the running backend in order, and return when it has ended')
    .option('-t, --timeout <seconds>', 'how long to wait', secondsUpTo(3_600), 15)
    .option('-f, --force', 'kill it if it has not ended by then; no stored data is lost')
    .action((options: StopOptions) => stop(context, options));
}

async function stop(context: CommandContext, { timeout, force = false }: StopOptions): Promise<void> {
  // Loaded before the clock runs: the time it takes is not the backend's.
  await context.client();
  const deadline = AbortSignal.timeout(timeout * 1_000);
  const backend = await askToStop(context, deadline);
  if (backend === undefined || (await hasGone(backend, deadline))) return say(context, backend?.pid, false);
  if (!force) {
    throw new CommandFailedError(
      `the backend (pid ${backend.pid}) has not ended after ${timeout} s`,
      ExitCode.stopTimeout,
      'Its log says what it waits for (`aico logs tail`). To end it at once: aico stop --force (nothing stored is lost).',
    );
  }
  await kill(context, backend);
  say(context, backend.pid, true);
}

function say(context: CommandContext, pid: number | undefined, killed: boolean): void {
  const who = pid === undefined ? '' : ` (pid ${pid})`;
  context.output.print({ stopped: true, pid, killed }, () => `${killed ? 'Killed' : 'Stopped'}${who}`);
}

/**
 * Requests an orderly stop.
 * @returns the process to wait for; `undefined` when it has gone already
 */
async function askToStop(
  context: CommandContext,
  deadline: AbortSignal,
): Promise<ProcessIdentity | undefined> {
  const client = await context.client();
  try {
    const pid = readPid(await client.json('/api/v1/system/status', { signal: deadline }));
    const backend = pid === undefined ? undefined : identityOf(pid);
    await client.json('/api/v1/system/stop', { method: 'POST', signal: deadline });
    return backend ?? findHolder(context.paths);
  } catch (error) {
    // Without its socket the backend may be running or stopping; with it, it may hang. Any other error is a refusal.
    if (!deadline.aborted && !(error instanceof BackendNotRunningError)) throw error;
    const holder = findHolder(context.paths);
    if (holder !== undefined && error instanceof BackendNotRunningError && stopsAtSignal(holder.pid))
      process.kill(holder.pid, 'SIGTERM');
    if (holder !== undefined) return holder;
    if (!deadline.aborted) throw error;
  }
  throw new CommandFailedError(
    'the backend does not answer, and its process is not known',
    ExitCode.stopTimeout,
    'Find it among your processes and end it; nothing stored is lost.',
  );
}

/**
 * Whether SIGTERM makes the process stop in order. A backend that is stopping already has given the signal back to the
 * system, which would end it at once. Known on Linux; elsewhere the process is only waited for.
 */
function stopsAtSignal(pid: number): boolean {
  try {
    const [, caught = '0'] =
      /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return (BigInt(`0x${caught}`) & (1n << BigInt(constants.signals.SIGTERM - 1))) !== 0n;
  } catch {
    return false;
  }
}

/** Kills the process if it holds the home. */
async function kill(context: CommandContext, backend: ProcessIdentity): Promise<void> {
  const holder = findHolder(context.paths);
  if (holder?.pid !== backend.pid || holder.startTime !== backend.startTime) {
    if (!isAlive(backend)) return;
    throw new CommandFailedError(
      `process ${backend.pid} does not hold this home's lock, and is left alone`,
      ExitCode.stopTimeout,
      `Look at it yourself (ps -p ${backend.pid}), and end it with kill -9 ${backend.pid} if it is the backend; nothing stored is lost.`,
    );
  }
  process.kill(backend.pid, 'SIGKILL');
  if (!(await hasGone(backend, AbortSignal.timeout(5_000)))) {
    throw new CommandFailedError(
      `process ${backend.pid} was killed and is still there`,
      ExitCode.stopTimeout,
      'It waits for a disk that does not answer; it ends when the disk does. Until then the home stays locked.',
    );
  }
}

async function hasGone(backend: ProcessIdentity, deadline: AbortSignal): Promise<boolean> {
  // The end of a process that is not a child of this one is not reported: it can only be polled.
  while (isAlive(backend)) {
    if (deadline.aborted) return false;
    await delay(POLL_MS);
  }
  return true;
}

function readPid(status: unknown): number | undefined {
  return typeof status === 'object' && status !== null && 'pid' in status && typeof status.pid === 'number'
    ? status.pid
    : undefined;
}
