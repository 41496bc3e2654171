/** A thread that writes one copy of a database that may be in use, and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { type CopySource, verifyCopy, writeSnapshot } from './encrypted-copy.ts';

export interface CopyTask {
  readonly source: CopySource;
  readonly target: string;
}

const { source, target } = workerData as CopyTask;
writeSnapshot(source, target);
parentPort?.postMessage(verifyCopy({ ...source, file: target }));
