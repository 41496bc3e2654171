import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ExitCode } from '@aico/protocol';
import { DetachedStartError } from '../errors.ts';
import type { ErrorDescription } from '../report-error.ts';
import type { ReadyInfo } from './ready-info.ts';

/** What a backend in the background tells the command that started it. */
export type DetachedMessage =
  | { readonly kind: 'ready'; readonly ready: ReadyInfo }
  | ({ readonly kind: 'failed' } & ErrorDescription);

const BIN = fileURLToPath(new URL('../../bin/aico.js', import.meta.url));

/**
 * Starts `aico start` as a process of its own and resolves when it is ready. The password goes through a pipe: what is
 * on a command line or in the environment, others may read.
 *
 * @throws {DetachedStartError} with the process's own words, when it ends before
 */
export function startDetached(args: readonly string[], password: string | undefined): Promise<ReadyInfo> {
  const withPassword = password === undefined ? [] : ['--password-file', '-'];
  const child = spawn(
    process.execPath,
    ['--disable-sigusr1', BIN, 'start', '--ipc', ...args, ...withPassword],
    {
      detached: true,
      stdio: [password === undefined ? 'ignore' : 'pipe', 'ignore', 'ignore', 'ipc'],
    },
  );
  // It may end before it has read: then its message says why.
  child.stdin?.on('error', () => {});
  child.stdin?.end(`${password}\n`);
  return new Promise((resolve, reject) => {
    let failure: DetachedStartError | undefined;
    child.once('error', reject);
    child.on('message', (message: DetachedMessage) => {
      if (message.kind === 'ready') {
        child.disconnect();
        child.unref();
        resolve(message.ready);
      } else {
        failure = new DetachedStartError(message);
      }
    });
    child.once('exit', (code, signal) => {
      const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
      failure ??= new DetachedStartError({
        message: `the backend ended before it was ready (${how})`,
        hint: 'Start it in the foreground to see what it says.',
        exitCode: code === null || code === 0 ? ExitCode.failure : code,
      });
      reject(failure);
    });
  });
}

/** Tells the command that started this process; settles when it has been told, or is there no more. */
export function tellParent(message: DetachedMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) resolve();
    else process.send(message, undefined, {}, () => resolve());
  });
}
