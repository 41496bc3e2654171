import type { Logger } from '../../core/logging/types.ts';
import type { DatabaseFaults } from '../encrypted-database-options.ts';
import type { ReservedNames } from '../ownership/principal.ts';
import type { SimulatedConflicts } from '../transactions/conflicts.ts';

/** The server of a database and its limits. */
export interface PostgresDatabaseOptions {
  /** `postgres://user:password@host:port/database`; see `readServerUrl`. */
  readonly url: string;
  /** Transactions and streams that may be open at once. Default 10. */
  readonly connections?: number;
  /** Milliseconds that a statement may run. Default 30 000. */
  readonly statementLimitMs?: number;
  /** Bytes that the rows of one statement may take; a stream has no such limit. Default 64 MiB. */
  readonly maxResultBytes?: number;
  /** The names of owners and tables that are reserved for the backend itself. */
  readonly reserved?: ReservedNames;
  /** The columns that their owners seal, so that the status does not list them as clear. */
  readonly sealed?: Readonly<Record<string, readonly string[]>>;
  readonly logger?: Logger;
  /** For tests: simulated conflicts, after which `work` runs again. */
  readonly conflicts?: SimulatedConflicts | undefined;
  /** For tests: injected faults of writes. */
  readonly faults?: Pick<DatabaseFaults, 'refuseWrite'> | undefined;
}
