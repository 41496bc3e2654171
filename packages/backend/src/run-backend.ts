import { rmSync } from 'node:fs';
import { ExitCode } from '@aico/protocol';
import { type AssembledBackend, assembleBackend, type Backend, type BackendOptions } from './backend.ts';
import type { Ending } from './core/lifecycle-manager.ts';
import { watchExits } from './core/process/exit-watch.ts';

/** How `runBackend` starts a backend and reports on it. */
export interface RunBackendOptions extends BackendOptions {
  /** Called once everything is running. */
  readonly onReady?: (backend: Backend) => void;
  /** Called once everything has stopped, before the process exits. */
  readonly onStopped?: (ending: Ending) => void;
}

/**
 * Runs a backend as this process until it is stopped: by a signal, over the API, or by an uncaught error. The first SIGTERM,
 * SIGINT or SIGHUP stops it within its budget, a second ends it at once. SIGHUP is ignored under `nohup`.
 *
 * @returns the exit code
 * @throws {AicoError} when it cannot start; `exitCodeFor` returns its exit code
 */
export async function runBackend({ onReady, onStopped, ...options }: RunBackendOptions): Promise<number> {
  // A console that is closed or blocked must not end the backend.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  // There is no log yet while the modules of plugins are loaded.
  const unwatch = watchExits(
    process,
    ({ from }) => void process.stderr.write(`Before the start: ${from.stack}\n`),
  );
  let assembled: AssembledBackend;
  try {
    assembled = await assembleBackend({ ...options, keepHomeUntilExit: true });
  } finally {
    unwatch();
  }
  process.once('exit', () => rmSync(assembled.instanceFile, { force: true }));
  const detach = assembled.lifecycle.handleProcess(process);
  try {
    const backend = await assembled.start();
    // After a signal the process ends as soon as these hooks have run.
    if (onStopped !== undefined) assembled.lifecycle.afterStop(onStopped);
    onReady?.(backend);
    const { exitCode } = await backend.lifecycle.ended;
    await backend.stop();
    return exitCode;
  } catch (error) {
    // A signal during the start is an orderly end, not a failure of the start.
    const { state } = assembled.lifecycle;
    if (state.kind === 'stopped' && state.report.clean && isCancellation(error)) return ExitCode.ok;
    throw error;
  } finally {
    detach();
  }
}

function isCancellation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'AICO_SERVICE_START_CANCELLED';
}
