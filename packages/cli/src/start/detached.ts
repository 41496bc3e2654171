import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ExitCode } from '@aico/protocol';
import { DetachedStartError } from '../errors.ts';
import type { ErrorDescription } from '../report-error.ts';
import type { ReadyInfo } from './ready-info.ts';

/** The messages of a backend in the background to the command that started it. */
type DetachedMessage =
  | { readonly kind: 'ready'; readonly ready: ReadyInfo }
  | ({ readonly kind: 'failed' } & ErrorDescription);

const BIN = fileURLToPath(new URL('../../bin/aico.js', import.meta.url));

/**
 * Starts `aico start` as a separate process and resolves when it is ready. The password is passed through a pipe, since other
 * users may read command lines and environments.
 *
 * @throws {DetachedStartError} with the message of the process, when it ends before it is ready
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
  // The process may end before it reads the password; its message says why.
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
        hint: 'Start it in the foreground to see its output.',
        exitCode: code === null || code === 0 ? ExitCode.failure : code,
      });
      reject(failure);
    });
  });
}

/** Sends a message to the command that started this process. Resolves when it is sent or the command has ended. */
export function tellParent(message: DetachedMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) resolve();
    else process.send(message, undefined, {}, () => resolve());
  });
}
