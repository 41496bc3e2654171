import { defineError } from '@aico/protocol';
import { systemErrorIn } from '../../core/system-errors/index.ts';

/** Too many writes are waiting. */
export class WriteQueueFullError extends defineError({
  code: 'AICO_DATA_QUEUE_FULL',
  exit: 'database',
  hint: 'Await earlier writes before you send more.',
  make: (limit: number) => ({ message: `${limit} writes are already waiting` }),
}) {}

/** The disk has no space for a write, which was not stored. */
export class DiskFullError extends defineError({
  code: 'AICO_DATA_DISK_FULL',
  exit: 'database',
  hint: 'Free disk space: writes then continue automatically.',
  make: (cause: unknown) => {
    const condition = systemErrorIn(cause)?.condition ?? 'the disk is full';
    return { message: `${condition}: this write was not stored`, cause };
  },
}) {}

/** The disk refused a write, which was rolled back; the next write may succeed. */
export class WriteRefusedError extends defineError({
  code: 'AICO_DATA_WRITE_REFUSED',
  exit: 'database',
  hint: "Read the system's log (dmesg). Writes are retried every second and continue automatically when they succeed.",
  make: (reason: string, cause: unknown) => {
    const condition = systemErrorIn(cause)?.condition ?? reason;
    return { message: `the disk refused a write (${condition}), which was not stored`, cause };
  },
}) {}

/** The disk failed. All acknowledged writes are durable. */
export class StorageFailedError extends defineError({
  code: 'AICO_DATA_STORAGE_FAILED',
  exit: 'database',
  hint: 'Check the disk, then restart: no write is acknowledged before.',
  make: (reason: string, cause: unknown) => {
    const condition = systemErrorIn(cause)?.condition;
    return { message: `${condition ?? 'the disk failed'}: ${reason}`, cause };
  },
}) {}

/** A file of the database was removed or replaced while the database was open. */
export class DatabaseLostError extends defineError({
  code: 'AICO_DATA_LOST',
  exit: 'database',
  hint: 'Do not stop the backend yet: it still reads the old file. Put the file back if it was moved, or export what you need; then stop it and restore the newest backup.',
  make: (reason: string, cause: unknown) => ({
    message: `writes are no longer acknowledged: ${reason}`,
    cause,
  }),
}) {}

/** A write exceeds its time limit and blocks the only writer. */
export class WriterOverdueError extends defineError({
  code: 'AICO_DATA_WRITER_OVERDUE',
  exit: 'database',
  hint: 'Try again when it has ended. The health check of the database names it; a restart rolls it back.',
  make: (owner: string | undefined, statement: string, ms: number) => ({
    message: `"${statement}" of ${owner ?? 'the backend'} has been writing for ${Math.round(ms)} ms; this write was not started`,
    owner,
    statement,
  }),
}) {}
