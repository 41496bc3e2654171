/**
 * A process that runs one statement. It ends after its reply, at its deadline, or as soon as the pipe from its parent closes, even
 * because the parent was killed. The statement runs in a worker thread, because SQLite cannot be interrupted and would keep
 * the main thread from ending the process.
 */
import { Worker } from 'node:worker_threads';
import { toFailure } from '../engine/failure.ts';
import type { QueryTask } from './query-worker.ts';
import { frame, KEY_BYTES, type QueryReply, type QueryRequest, unframe } from './wire.ts';

/** The interval of memory measurements. */
const MEMORY_CHECK_MS = 50;
/** Time after the deadline until the process ends itself, if its parent has not ended it. */
const DEADLINE_GRACE_MS = 2_000;

/** Ends the process by a signal, because `process.exit` waits for the worker thread. */
function end(): void {
  process.kill(process.pid, 'SIGKILL');
}

function reply(value: QueryReply): void {
  process.stdout.write(frame(value), end);
}

function start(task: QueryTask): void {
  const { deadlineMs, maxMemoryBytes } = task.request;
  setTimeout(end, deadlineMs + DEADLINE_GRACE_MS);
  const worker = new Worker(new URL('./query-worker.ts', import.meta.url), { workerData: task });
  const before = process.memoryUsage.rss();
  const check = setInterval(() => {
    if (process.memoryUsage.rss() - before <= maxMemoryBytes) return;
    clearInterval(check);
    reply({ is: 'too large', what: 'memory' });
  }, MEMORY_CHECK_MS);
  worker.once('message', (value: QueryReply) => {
    clearInterval(check);
    reply(value);
  });
  worker.once('error', (error) => reply({ is: 'failure', failure: toFailure(error, task.request.file) }));
}

let received = Buffer.alloc(0);
let started = false;
process.stdin.on('data', (chunk: Buffer) => {
  if (started) return;
  const joined = Buffer.concat([received, chunk]);
  chunk.fill(0);
  received.fill(0);
  received = joined;
  const request = unframe(received);
  if (request === undefined || received.byteLength < request.end + KEY_BYTES) return;
  started = true;
  const key = new SharedArrayBuffer(KEY_BYTES);
  new Uint8Array(key).set(received.subarray(request.end, request.end + KEY_BYTES));
  received.fill(0);
  start({ request: request.value as QueryRequest, key });
});
process.stdin.once('close', end);
process.stdin.once('error', end);
process.stdout.once('error', end);
