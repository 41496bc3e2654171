import { setTimeout as delay } from 'node:timers/promises';
import { ExitCode } from '@aico/backend/exit-codes';
import { type RunningInstance, readInstance } from '@aico/backend/instance';
import { BackendNotRunningError } from '@aico/client/local';
import { type Command, InvalidArgumentError } from 'commander';
import type { CommandContext } from '../context.ts';
import { CommandFailedError } from '../errors.ts';
import { isAlive, isProcessOf } from '../process-identity.ts';

const LOOK_EVERY_MS = 25;

interface StopOptions {
  readonly timeout: number;
  readonly force?: boolean;
}

export function register(program: Command, context: CommandContext): void {
  program
    .command('stop')
    .description('stop the running backend in order, and return when it has gone')
    .option('-t, --timeout <seconds>', 'how long to wait', seconds, 15)
    .option('-f, --force', 'kill it when it has not gone by then; nothing stored is lost')
    .action((options: StopOptions) => stop(context, options));
}

async function stop(context: CommandContext, { timeout, force = false }: StopOptions): Promise<void> {
  // What it takes to load a client is not the backend's delay.
  await context.client();
  const deadline = AbortSignal.timeout(timeout * 1_000);
  const pid = await askToStop(context, deadline);
  if (await hasGone(pid, deadline)) return say(context, pid, false);
  if (!force) {
    throw new CommandFailedError(
      `the backend (pid ${pid}) has not gone after ${timeout} s`,
      ExitCode.stopTimeout,
      'Its log says what it waits for (`aico logs tail`). To end it at once: aico stop --force (nothing stored is lost).',
    );
  }
  await kill(context, pid);
  say(context, pid, true);
}

function say(context: CommandContext, pid: number, killed: boolean): void {
  context.output.print({ stopped: true, pid, killed }, () => `${killed ? 'Killed' : 'Stopped'} (pid ${pid})`);
}

/** Asks for an orderly stop; gives whose end to wait for. */
async function askToStop(context: CommandContext, deadline: AbortSignal): Promise<number> {
  const client = await context.client();
  try {
    const status = await client.json('/api/v1/system/status', { signal: deadline });
    await client.json('/api/v1/system/stop', { method: 'POST', signal: deadline });
    const pid = readPid(status);
    if (pid !== undefined) return pid;
  } catch (error) {
    // Without a socket it may still be on its way out; with one it may hang. Anything else is a refusal.
    if (!deadline.aborted && !(error instanceof BackendNotRunningError)) throw error;
    const instance = await livingInstance(context);
    if (instance !== undefined) return instance.pid;
    if (!deadline.aborted) throw error;
  }
  throw new CommandFailedError(
    'the backend does not answer, and nothing says which process it is',
    ExitCode.stopTimeout,
    'Find it among your processes and end it there; nothing stored is lost.',
  );
}

async function livingInstance(context: CommandContext): Promise<RunningInstance | undefined> {
  const instance = readInstance(context.paths.instanceFile);
  if (instance === undefined || !(await isAlive(instance.pid))) return undefined;
  return (await isProcessOf(instance.pid, instance.startedAt)) === true ? instance : undefined;
}

/** Ends the process without asking it, if it is the backend beyond doubt. */
async function kill(context: CommandContext, pid: number): Promise<void> {
  const instance = await livingInstance(context);
  if (instance?.pid !== pid) {
    if (!(await isAlive(pid))) return;
    throw new CommandFailedError(
      `process ${pid} is not surely the backend, and is left alone`,
      ExitCode.stopTimeout,
      `Look at it yourself (ps -p ${pid}), and end it with kill -9 ${pid} if it is; nothing stored is lost.`,
    );
  }
  process.kill(pid, 'SIGKILL');
  if (!(await hasGone(pid, AbortSignal.timeout(5_000)))) {
    throw new CommandFailedError(`process ${pid} was killed and is still there`, ExitCode.stopTimeout);
  }
}

async function hasGone(pid: number, deadline: AbortSignal): Promise<boolean> {
  // A process of somebody else's children says nothing when it ends: it can only be looked for.
  while (await isAlive(pid)) {
    if (deadline.aborted) return false;
    await delay(LOOK_EVERY_MS);
  }
  return true;
}

function readPid(status: unknown): number | undefined {
  return typeof status === 'object' && status !== null && 'pid' in status && typeof status.pid === 'number'
    ? status.pid
    : undefined;
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 3_600)) throw new InvalidArgumentError('Seconds, up to 3600.');
  return value;
}
