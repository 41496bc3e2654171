import { Worker } from 'node:worker_threads';

/** A worker that runs the database engine. */
export interface EngineWorker {
  readonly worker: Worker;
  /** Resolves with the cause when the worker has ended. */
  readonly exited: Promise<unknown>;
}

/**
 * Starts a worker, which loads the engine and then waits for the database that it is to serve. A process that is about to open a
 * database starts it first: the engine is loaded while the process loads its own modules. This file imports nothing else, so that
 * it is itself loaded at once. Until a database uses the worker, it does not keep the process alive.
 */
export function startEngineWorker(
  name: string,
  script: URL = new URL('../engine/worker.ts', import.meta.url),
): EngineWorker {
  const worker = new Worker(script, { name });
  worker.unref();
  const exited = new Promise<unknown>((resolve) => {
    let cause: unknown;
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', (code) => resolve(cause ?? new Error(`exit code ${code}`)));
  });
  return { worker, exited };
}
