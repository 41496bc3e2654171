import type { Logger } from '../core/logging/types.ts';
import type { DiskFaults } from './engine/disk-faults.ts';
import type { CipherName } from './engine/wire.ts';
import type { DatabaseWitness } from './file/rollback-guard.ts';
import type { ReservedNames } from './ownership/principal.ts';
import type { SimulatedConflicts } from './transactions/conflicts.ts';

/** Faults that a test injects into a database. */
export interface DatabaseFaults {
  readonly disk: DiskFaults;
  /**
   * Asked before each write and each commit of a transaction, with the owner in whose name it is (`undefined` for the backend
   * itself): the error that it returns is the outcome.
   */
  readonly refuseWrite: (owner: string | undefined) => Error | undefined;
}

/** The file of a database, its key and its limits. */
export interface EncryptedDatabaseOptions {
  /** Made when it is not there; its folder must be. */
  readonly file: string;
  /** 32 bytes. Copied; the caller wipes its own. */
  readonly key: Uint8Array;
  /** Chosen when the database is made. Default `aegis`. */
  readonly cipher?: CipherName;
  /** Reader threads, 1 by default. */
  readonly readers?: number;
  /** How long to wait for another process's lock. Default 5000 ms. */
  readonly busyTimeoutMs?: number;
  /** Bytes the file may grow to; a write beyond fails as on a full disk. */
  readonly maxBytes?: number;
  /** Milliseconds that one statement may run. Default 30 000; a read is given up then, a write is reported. */
  readonly statementLimitMs?: number;
  /** Milliseconds that one write may run before those who wait for the writer are refused. Default 300 000. */
  readonly writeWaitMs?: number;
  /** Bytes that the rows of one statement may take; a stream has no such limit. Default 64 MiB. */
  readonly maxResultBytes?: number;
  /** How often to look whether a full disk has room again. Default 1000 ms. */
  readonly roomCheckMs?: number;
  /** Owners that no view may be of, and tables that none may make: the backend's own. */
  readonly reserved?: ReservedNames;
  readonly logger?: Logger;
  /** For tests: has transactions meet conflicts, so that `work` runs again. */
  readonly conflicts?: SimulatedConflicts | undefined;
  /** For tests: faults that writes meet. */
  readonly faults?: DatabaseFaults | undefined;
  /** Asked whether the database is the newest before anything is written to it. */
  readonly witness?: DatabaseWitness | undefined;
}
