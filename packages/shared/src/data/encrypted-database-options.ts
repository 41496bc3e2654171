import type { Logger } from '../core/logging/types.ts';
import type { DiskFaults } from './engine/disk-faults.ts';
import type { CipherName } from './engine/wire.ts';
import type { DatabaseWitness } from './file/rollback-guard.ts';
import type { ReservedNames } from './ownership/principal.ts';
import type { EngineWorker } from './threads/engine-worker.ts';
import type { SimulatedConflicts } from './transactions/conflicts.ts';

/** Faults that a test injects into a database. */
export interface DatabaseFaults {
  readonly disk: DiskFaults;
  /**
   * Called before each write and each commit of a transaction, with its owner (`undefined` for the backend itself). If it returns an
   * error, the write or commit fails with it.
   */
  readonly refuseWrite: (owner: string | undefined) => Error | undefined;
}

/** The file of a database, its key and its limits. */
export interface EncryptedDatabaseOptions {
  /** The database file, which is created if it is missing. Its folder must exist. */
  readonly file: string;
  /** The key, 32 bytes. It is copied; the caller wipes its own. */
  readonly key: Uint8Array;
  /** The cipher, which is chosen when the database is created. Default `aegis`. */
  readonly cipher?: CipherName;
  /** Reader threads, 1 by default. */
  readonly readers?: number;
  /** How long to wait for another process's lock. Default 5000 ms. */
  readonly busyTimeoutMs?: number;
  /** The largest size of the file, in bytes; a write beyond it fails as on a full disk. */
  readonly maxBytes?: number;
  /** The time that one statement may run, in milliseconds. After it a read fails and a write is reported. Default 30 000. */
  readonly statementLimitMs?: number;
  /** The time that one write may run before the waiting writes are refused, in milliseconds. Default 300 000. */
  readonly writeWaitMs?: number;
  /** Bytes that the rows of one statement may take; a stream has no such limit. Default 64 MiB. */
  readonly maxResultBytes?: number;
  /** The time between two checks for free space on a full disk. Default 1000 ms. */
  readonly roomCheckMs?: number;
  /** The names of owners and tables that are reserved for the backend itself. */
  readonly reserved?: ReservedNames;
  /** The worker of the writer, if it was started ahead. */
  readonly engineWorker?: EngineWorker | undefined;
  readonly logger?: Logger;
  /** For tests: simulated conflicts, after which `work` runs again. */
  readonly conflicts?: SimulatedConflicts | undefined;
  /** For tests: injected faults of writes. */
  readonly faults?: DatabaseFaults | undefined;
  /** Refuses an older copy of the database, before anything is written to it. */
  readonly witness?: DatabaseWitness | undefined;
}
