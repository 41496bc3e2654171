import { statfs } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from '../../core/logging/types.ts';
import { systemErrorIn } from '../../core/system-errors/index.ts';
import { EngineFailure } from '../engine/engine-failure.ts';
import { type Failure, isStopping, isWriteRefused } from '../engine/wire.ts';
import { isOutOfSpace, writeRefusal } from '../threads/engine-errors.ts';
import type { DatabaseState } from '../types.ts';
import { DatabaseLostError, StorageFailedError } from './errors.ts';

/** The free space that is required before a write is tried again; with less, the disk would soon be full again. */
const REQUIRED_BYTES = 1024 * 1024;

interface WriteGateOptions {
  readonly file: string;
  /** Makes a small durable write, queued like other writes; rejects when it fails. */
  readonly tryWrite: () => Promise<unknown>;
  /** The time between two checks of the disk, in milliseconds. */
  readonly everyMs: number;
  readonly logger: Logger | undefined;
}

/** If the disk refuses a write again within this time after it accepted one, it is treated as failed until a restart. */
const RELAPSE_MS = 10_000;

/**
 * Decides whether the database accepts writes. After the disk refused a write, the gate is closed until a small write succeeds. After
 * a failed fsync it stays closed, because the content of the disk is unknown.
 */
export class WriteGate {
  readonly #options: WriteGateOptions;
  #state: DatabaseState = { kind: 'ready' };
  #failure: Failure | undefined;
  #lost: DatabaseLostError | undefined;
  #timer: NodeJS.Timeout | undefined;
  #checking = false;
  #closed = false;
  #recoveredAt = Number.NEGATIVE_INFINITY;

  constructor(options: WriteGateOptions) {
    this.#options = options;
  }

  get state(): DatabaseState {
    return this.#state;
  }

  /** @throws {DiskFullError} @throws {WriteRefusedError} @throws {StorageFailedError} while the gate is closed */
  refuseIfClosed(): void {
    const refusal = this.refusal();
    if (refusal !== undefined) throw refusal;
  }

  /** The error for a write that is requested now; `undefined` while the gate is open. */
  refusal(): Error | undefined {
    if (this.#lost !== undefined) return this.#lost;
    if (this.#state.kind === 'ready' || this.#failure === undefined) return undefined;
    return this.#state.kind === 'read-only'
      ? writeRefusal(this.#failure)
      : new StorageFailedError(
          `no write is acknowledged since "${this.#state.reason}"`,
          new EngineFailure(this.#failure),
        );
  }

  /** Handles a failure that the writer thread reported. */
  note(failure: Failure): void {
    if (this.#state.kind === 'failed' || this.#closed) return;
    if (isStopping(failure.code)) {
      this.#fail(failure);
      return;
    }
    if (!isWriteRefused(failure.code) || this.#state.kind === 'read-only') return;
    const isFull = isOutOfSpace(failure);
    if (!isFull && performance.now() - this.#recoveredAt < RELAPSE_MS) {
      this.#fail(failure);
      return;
    }
    this.#failure = failure;
    const cause = new EngineFailure(failure);
    const condition = systemErrorIn(cause)?.condition ?? cause.message;
    const since = new Date();
    this.#state = {
      kind: 'read-only',
      reason: isFull ? 'disk-full' : 'write-refused',
      condition,
      since,
    };
    this.#options.logger?.error(`Database is read-only: ${condition}`, { since, code: failure.code });
    // The first check is immediate: the refused write may only have been larger than the free space.
    void this.#check();
  }

  /** Closes the gate until a restart, because later writes could not be found again. */
  lose(error: Error): void {
    if (this.#lost !== undefined || this.#closed) return;
    this.#lost = new DatabaseLostError(error.message, error);
    this.#state = { kind: 'failed', reason: error.message };
    clearTimeout(this.#timer);
    this.#options.logger?.error(
      'Database stopped: a file is lost; no write is acknowledged until a restart',
      {
        error,
      },
    );
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #fail(failure: Failure): void {
    this.#failure = failure;
    const reason = new EngineFailure(failure).message;
    this.#state = { kind: 'failed', reason };
    clearTimeout(this.#timer);
    this.#options.logger?.error(
      'Database stopped: the disk failed; no write is acknowledged until a restart',
      {
        code: failure.code,
        reason,
      },
    );
  }

  async #check(): Promise<void> {
    if (this.#checking) return;
    this.#checking = true;
    const found = await this.#findSpace().catch(() => false);
    this.#checking = false;
    if (this.#closed || this.#state.kind !== 'read-only') return;
    if (found) {
      const { since } = this.#state;
      this.#state = { kind: 'ready' };
      this.#recoveredAt = performance.now();
      this.#options.logger?.info('Database accepts writes again', { since });
    } else {
      this.#timer = setTimeout(() => void this.#check(), this.#options.everyMs);
      this.#timer.unref();
    }
  }

  async #findSpace(): Promise<boolean> {
    const { bavail, bsize } = await statfs(path.dirname(this.#options.file));
    if (bavail * bsize < REQUIRED_BYTES) return false;
    await this.#options.tryWrite();
    return true;
  }
}
