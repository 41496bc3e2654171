import { setTimeout as delay } from 'node:timers/promises';
import { ExitCode } from '@aico/backend/exit-codes';
import { readInstance } from '@aico/backend/instance';
import { BackendNotRunningError } from '@aico/client/local';
import { type Command, InvalidArgumentError } from 'commander';
import type { CommandContext } from '../context.ts';
import { CommandFailedError } from '../errors.ts';

const LOOK_EVERY_MS = 25;

export function register(program: Command, context: CommandContext): void {
  program
    .command('stop')
    .description('stop the running backend in order, and return when it has gone')
    .option('-t, --timeout <seconds>', 'how long to wait', seconds, 15)
    .action(({ timeout }: { timeout: number }) => stop(context, timeout * 1_000));
}

async function stop(context: CommandContext, timeoutMs: number): Promise<void> {
  const client = await context.client();
  const status = await client.json('/api/v1/system/status');
  const pid = readPid(status) ?? readInstance(context.paths.instanceFile)?.pid;
  if (pid === undefined) throw new BackendNotRunningError(context.paths.socketFile, undefined);
  await client.json('/api/v1/system/stop', { method: 'POST' });
  const beganAt = performance.now();
  while (isAlive(pid)) {
    if (performance.now() - beganAt > timeoutMs) {
      throw new CommandFailedError(
        `the backend (pid ${pid}) has not gone after ${timeoutMs / 1_000} s`,
        ExitCode.stopTimeout,
        `Its log says what it waits for (\`aico logs tail\`). To end it at once: kill -9 ${pid} (nothing stored is lost).`,
      );
    }
    await delay(LOOK_EVERY_MS);
  }
  context.output.print({ stopped: true, pid }, () => `Stopped (pid ${pid})`);
}

function readPid(status: unknown): number | undefined {
  return typeof status === 'object' && status !== null && 'pid' in status && typeof status.pid === 'number'
    ? status.pid
    : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 3_600)) throw new InvalidArgumentError('Seconds, from 1 to 3600.');
  return value;
}
