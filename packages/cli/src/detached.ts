import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ExitCode } from '@aico/backend/exit-codes';
import type { ReadyInfo } from './commands/start.ts';
import { DetachedStartError } from './errors.ts';

/** What a backend in the background tells the command that started it. */
export type DetachedMessage =
  | { readonly kind: 'ready'; readonly ready: ReadyInfo }
  | {
      readonly kind: 'failed';
      readonly message: string;
      readonly hint: string | undefined;
      readonly exitCode: number;
    };

const BIN = fileURLToPath(new URL('../bin/aico.js', import.meta.url));

/**
 * Starts `aico start` as a process of its own and resolves when it is ready.
 *
 * @throws {DetachedStartError} with the process's own words, when it ends before
 */
export function startDetached(args: readonly string[]): Promise<ReadyInfo> {
  const child = spawn(process.execPath, [BIN, 'start', '--ipc', ...args], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    let failure: DetachedStartError | undefined;
    child.once('error', reject);
    child.on('message', (message: DetachedMessage) => {
      if (message.kind === 'ready') {
        child.disconnect();
        child.unref();
        resolve(message.ready);
      } else {
        failure = new DetachedStartError(message.message, message.exitCode, message.hint);
      }
    });
    child.once('exit', (code, signal) => {
      const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
      const silent = new DetachedStartError(
        `the backend ended before it was ready (${how})`,
        code === null || code === 0 ? ExitCode.failure : code,
        'Start it in the foreground to see what it says.',
      );
      reject(failure ?? silent);
    });
  });
}
