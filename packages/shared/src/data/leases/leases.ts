import type { Logger } from '../../core/logging/types.ts';
import type { Clock } from '../../core/tasks/index.ts';
import type { Database } from '../types.ts';
import { Candidacy, type LeasedWork, type LeaseTimes } from './candidacy.ts';
import { suspendAwareClock } from './lease-clock.ts';
import { type LeaseRow, LeaseTable } from './lease-table.ts';

export interface LeasesOptions {
  /** The database that all nodes share, with all rights. */
  readonly database: Database;
  /** The id of this node. */
  readonly node: string;
  readonly logger?: Logger;
  /** Default: the clock of the machine, see {@link suspendAwareClock}. */
  readonly clock?: Clock;
  /** Default {@link LEASE_TIMES}. */
  readonly times?: LeaseTimes;
  /** The time of the database as an SQL expression. Tests replace it. */
  readonly nowMs?: string;
}

/** Work that has lost its node goes on elsewhere after 16 s at most. A holder has 5 s to end its work. */
export const LEASE_TIMES: LeaseTimes = { ttlMs: 15_000, heldMs: 10_000, renewMs: 3_000, pollMs: 1_000 };

/**
 * Work that runs on one node at a time. Each piece of work has a lease: a row of the shared database with its holder and an epoch
 * that grows with each holder.
 *
 * Two nodes never hold a lease at once as long as their clocks run at about the same speed; the time of day that they tell does
 * not matter. A holder that was suspended may not know yet that it has lost the lease, so each transaction of the work calls
 * {@link Lease.guard}, which the database then refuses.
 *
 * @example
 * ```ts
 * const leases = new Leases({ database, node });
 * await leases.start();
 * const candidacy = leases.apply('reports', async (lease) => {
 *   while (await pause(60_000, lease.signal))
 *     await database.transaction(async (tx) => {
 *       await lease.guard(tx);
 *       await tx.execute('INSERT INTO report (notes) SELECT count(*) FROM note');
 *     });
 * });
 * await candidacy.stop();
 * ```
 */
export class Leases {
  readonly #options: LeasesOptions;
  readonly #table: LeaseTable;
  readonly #clock: Clock;
  readonly #candidacies = new Set<Candidacy>();

  constructor(options: LeasesOptions) {
    this.#options = options;
    this.#table = new LeaseTable(options.database, options.nowMs);
    this.#clock = options.clock ?? suspendAwareClock();
  }

  /** Creates the table if needed. */
  async start(): Promise<void> {
    await this.#table.migrate();
  }

  /** Applies for the lease `name`, and runs `work` whenever this node holds it. */
  apply(name: string, work: LeasedWork): Candidacy {
    const { node, logger, times = LEASE_TIMES } = this.#options;
    const candidacy = new Candidacy({
      name,
      node,
      work,
      table: this.#table,
      clock: this.#clock,
      times,
      logger,
    });
    this.#candidacies.add(candidacy);
    return candidacy;
  }

  /** All leases, with their last holders. */
  async list(): Promise<readonly LeaseRow[]> {
    return this.#table.list();
  }

  /** Ends the work of all leases and releases them. */
  async close(): Promise<void> {
    await Promise.all([...this.#candidacies].map((candidacy) => candidacy.stop()));
    this.#candidacies.clear();
  }
}
