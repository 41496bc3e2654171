import { statfs } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from '../core/logging/types.ts';
import { type Failure, isStopping } from './engine/wire.ts';
import { EngineFailure } from './engine-errors.ts';
import { DiskFullError, StorageFailedError } from './errors.ts';
import type { DatabaseState } from './types.ts';

/** Room there must be before a write is tried again: it would soon be full again with less. */
const ROOM_BYTES = 1024 * 1024;

export interface WriteGateOptions {
  readonly file: string;
  /** Writes something small and durable, in its turn among the writes; rejects when that fails. */
  readonly tryWrite: () => Promise<unknown>;
  /** Milliseconds between two looks for room. */
  readonly everyMs: number;
  readonly logger: Logger | undefined;
}

/** Whether the database takes writes, and why not. Closed by a full disk until there is room, and by a failed one for good. */
export class WriteGate {
  readonly #options: WriteGateOptions;
  #state: DatabaseState = { kind: 'ready' };
  #failure: Failure | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  #closed = false;

  constructor(options: WriteGateOptions) {
    this.#options = options;
  }

  get state(): DatabaseState {
    return this.#state;
  }

  /** @throws {DiskFullError} @throws {StorageFailedError} while writes are not taken */
  refuseIfClosed(): void {
    if (this.#state.kind === 'ready' || this.#failure === undefined) return;
    const cause = new EngineFailure(this.#failure);
    throw this.#state.kind === 'read-only'
      ? new DiskFullError(cause)
      : new StorageFailedError(`no write is acknowledged since "${this.#state.reason}"`, cause);
  }

  /** The writer reported `failure`. */
  note(failure: Failure): void {
    const { logger } = this.#options;
    if (this.#state.kind === 'failed' || this.#closed) return;
    if (isStopping(failure.code)) {
      this.#failure = failure;
      this.#state = { kind: 'failed', reason: failure.message };
      clearTimeout(this.#timer);
      logger?.error('Database stopped: the disk failed; no write is acknowledged until a restart', {
        code: failure.code,
        reason: failure.message,
      });
      return;
    }
    if (failure.code !== 'SQLITE_FULL' || this.#state.kind === 'read-only') return;
    this.#failure = failure;
    this.#state = { kind: 'read-only', reason: 'disk-full', since: new Date() };
    logger?.error('Database is read-only: the disk is full', { since: this.#state.since });
    // At once: what was refused may only have been larger than what is left.
    void this.#look();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const found = await this.#findRoom().catch(() => false);
    this.#looking = false;
    if (this.#closed || this.#state.kind !== 'read-only') return;
    if (found) {
      const { since } = this.#state;
      this.#state = { kind: 'ready' };
      this.#options.logger?.info('Database takes writes again: there is room', { since });
    } else {
      this.#timer = setTimeout(() => void this.#look(), this.#options.everyMs);
      this.#timer.unref();
    }
  }

  async #findRoom(): Promise<boolean> {
    const { bavail, bsize } = await statfs(path.dirname(this.#options.file));
    if (bavail * bsize < ROOM_BYTES) return false;
    await this.#options.tryWrite();
    return true;
  }
}
