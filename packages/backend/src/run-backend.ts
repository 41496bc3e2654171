import { rmSync } from 'node:fs';
import { type AssembledBackend, assembleBackend, type Backend, type BackendOptions } from './backend.ts';
import { ExitCode } from './core/exit-codes.ts';

export interface RunBackendOptions extends BackendOptions {
  /** Called once everything runs. */
  readonly onReady?: (backend: Backend) => void;
}

/**
 * Runs a backend as this process until it is stopped: by a signal, over the API, or by an error nobody caught.
 * A first SIGTERM or SIGINT stops it within its budget, a second leaves at once.
 *
 * @returns the exit code
 * @throws {AicoError} when it cannot start; `exitCodeFor` gives its exit code
 */
export async function runBackend({ onReady, ...options }: RunBackendOptions): Promise<number> {
  const assembled: AssembledBackend = await assembleBackend({ ...options, keepHomeUntilExit: true });
  process.once('exit', () => rmSync(assembled.instanceFile, { force: true }));
  const detach = assembled.lifecycle.handleProcess(process);
  try {
    const backend = await assembled.start();
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
