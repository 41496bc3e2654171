/**
 * A process that runs one statement and ends: with its answer, at its deadline, or as soon as the pipe from its parent
 * closes, which it does even when the parent is killed. The statement runs in a thread beside this one, because nothing
 * interrupts SQLite, and a process that waits for it could not end itself.
 */
import { Worker } from 'node:worker_threads';
import { toFailure } from '../engine/failure.ts';
import type { QueryTask } from './query-worker.ts';
import { frame, KEY_BYTES, type QueryReply, type QueryRequest, unframe } from './wire.ts';

/** How often the memory is measured. */
const LOOK_EVERY_MS = 50;
/** The parent ends the process at the deadline; this is for a parent that cannot. */
const DEADLINE_GRACE_MS = 2_000;

/** Not `process.exit`, which waits for the thread. */
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
  const look = setInterval(() => {
    if (process.memoryUsage.rss() - before <= maxMemoryBytes) return;
    clearInterval(look);
    reply({ is: 'too large', what: 'memory' });
  }, LOOK_EVERY_MS);
  worker.once('message', (value: QueryReply) => {
    clearInterval(look);
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
