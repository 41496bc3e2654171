/** A worker thread that copies a database, which may be in use, and verifies the copy. */
import { parentPort, workerData } from 'node:worker_threads';
import { type CopySource, verifyCopy, writeSnapshot } from './encrypted-copy.ts';

interface CopyTask {
  readonly source: CopySource;
  readonly target: string;
}

const { source, target } = workerData as CopyTask;
writeSnapshot(source, target);
parentPort?.postMessage(verifyCopy({ ...source, file: target }));
