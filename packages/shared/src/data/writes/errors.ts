import { defineError } from '@aico/protocol';
import { systemErrorIn } from '../../core/system-errors/index.ts';

/** Too many writes are waiting. */
export class WriteQueueFullError extends defineError({
  code: 'AICO_DATA_QUEUE_FULL',
  exit: 'database',
  hint: 'Await the writes before sending more.',
  make: (limit: number) => ({ message: `${limit} writes are waiting already` }),
}) {}

/** There is no room on the disk for a write, which was not stored. */
export class DiskFullError extends defineError({
  code: 'AICO_DATA_DISK_FULL',
  exit: 'database',
  hint: 'Make room: writing then continues by itself.',
  make: (cause: unknown) => {
    const condition = systemErrorIn(cause)?.condition ?? 'the disk is full';
    return { message: `${condition}: this write was not stored`, cause };
  },
}) {}

/** The disk refused a write, which was rolled back; the next write may succeed. */
export class WriteRefusedError extends defineError({
  code: 'AICO_DATA_WRITE_REFUSED',
  exit: 'database',
  hint: "Read the system's log (dmesg). Writing is retried every second, and continues by itself once it works.",
  make: (reason: string, cause: unknown) => {
    const condition = systemErrorIn(cause)?.condition ?? reason;
    return { message: `the disk refused a write (${condition}), which was not stored`, cause };
  },
}) {}

/** The disk failed; only durable writes have been acknowledged. */
export class StorageFailedError extends defineError({
  code: 'AICO_DATA_STORAGE_FAILED',
  exit: 'database',
  hint: 'Check the disk, then restart: until then no write is acknowledged.',
  make: (reason: string, cause: unknown) => {
    const condition = systemErrorIn(cause)?.condition;
    return { message: `${condition ?? 'the disk failed'}: ${reason}`, cause };
  },
}) {}

/** A file that the database needs to find its content again was removed or replaced while it was open. */
export class DatabaseLostError extends defineError({
  code: 'AICO_DATA_LOST',
  exit: 'database',
  hint: 'Do not stop the backend yet: it still reads the old file. Put the file back if it was moved, or export what you need; then stop it and restore the newest backup.',
  make: (reason: string, cause: unknown) => ({
    message: `no write is acknowledged any more: ${reason}`,
    cause,
  }),
}) {}

/** A write does not end, and blocks the single writer. */
export class WriterOverdueError extends defineError({
  code: 'AICO_DATA_WRITER_OVERDUE',
  exit: 'database',
  hint: 'Try again when it has ended; the health check of the database names it. A restart rolls it back.',
  make: (owner: string | undefined, statement: string, ms: number) => ({
    message: `"${statement}" of ${owner ?? 'the backend'} has been writing for ${Math.round(ms)} ms; this was not begun`,
    owner,
    statement,
  }),
}) {}
