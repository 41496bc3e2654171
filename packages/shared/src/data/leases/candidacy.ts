import type { Logger } from '../../core/logging/types.ts';
import { backoffDelay, type Clock } from '../../core/tasks/index.ts';
import { Lease } from './lease.ts';
import type { LeaseRow, LeaseTable } from './lease-table.ts';

/** The work that a lease permits. It ends soon after `lease.signal` is aborted. */
export type LeasedWork = (lease: Lease) => Promise<void>;

/** The durations of a lease in milliseconds. All nodes have the same. */
export interface LeaseTimes {
  /** A row that did not change for so long may be taken over. */
  readonly ttlMs: number;
  /** The holder ends its work if the last renewal began so long ago, so that it has ended before the lease can be taken over. */
  readonly heldMs: number;
  readonly renewMs: number;
  /** How often a node looks whether it can take the lease over. */
  readonly pollMs: number;
}

interface CandidacyOptions {
  readonly name: string;
  readonly node: string;
  readonly work: LeasedWork;
  readonly table: LeaseTable;
  readonly clock: Clock;
  readonly times: LeaseTimes;
  readonly logger: Logger | undefined;
}

/** A row as it was read first, by the clock of this node. */
interface Observed {
  readonly row: LeaseRow;
  readonly at: number;
}

const BACKOFF = { minDelayMs: 1_000, maxDelayMs: 60_000 };

/**
 * One node's standing application for a lease. Takes the lease when it is free, runs the work while it is held, and applies again
 * when the work has ended.
 *
 * A lease is free if its holder has released it, or if its row did not change between two reads that are a full term apart by this
 * node's own clock. The clock of the database is not compared with anything: it may be set, or be another machine's after a
 * failover, and would then declare a lease free whose holder is alive.
 */
export class Candidacy {
  readonly #options: CandidacyOptions;
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  #observed: Observed | undefined;
  #lease: Lease | undefined;
  /** The failures of the work in sequence. */
  #failures = 0;
  /** Whether the last statement failed. */
  #isTroubled = false;

  constructor(options: CandidacyOptions) {
    this.#options = options;
    this.#ended = this.#run();
  }

  /** The lease while this node holds it. */
  get lease(): Lease | undefined {
    return this.#lease?.isHeld === true ? this.#lease : undefined;
  }

  /** Ends the work, releases the lease and applies for it no more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#lease?.end();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { clock, times } = this.#options;
    while (!signal.aborted) {
      const lease = await this.#tried('take', () => this.#take());
      if (lease !== undefined) await this.#hold(lease);
      const delayMs = this.#failures > 0 ? backoffDelay(this.#failures, BACKOFF) : times.pollMs;
      if (!(await clock.pause(delayMs, signal))) return;
    }
  }

  /** @returns the lease, if it was free */
  async #take(): Promise<Lease | undefined> {
    const { name, node, table, clock, times } = this.#options;
    // Before the read: a renewal that the read does not see began later than the read.
    const at = clock.elapsed();
    const row = await table.find(name);
    if (row === undefined) {
      await table.add(name);
      return this.#take();
    }
    const readAt = clock.elapsed();
    if (!isSame(this.#observed?.row, row)) this.#observed = { row, at: readAt };
    const isFree = row.untilMs === 0 || at - (this.#observed?.at ?? readAt) >= times.ttlMs;
    if (!isFree) return undefined;
    const sentAt = clock.elapsed();
    const epoch = await table.take(row, node, times.ttlMs);
    if (epoch === undefined) return undefined;
    return new Lease({ name, node, epoch, table, clock, deadline: sentAt + times.heldMs });
  }

  async #hold(lease: Lease): Promise<void> {
    const { name, node, logger, work, table } = this.#options;
    this.#lease = lease;
    logger?.info('Lease taken', { lease: name, node, epoch: lease.epoch });
    const finished = new AbortController();
    const renewing = this.#renew(lease, finished.signal);
    try {
      // The answer may have taken longer than the lease.
      if (lease.isHeld && !this.#stopping.signal.aborted) await work(lease);
      this.#failures = 0;
    } catch (error) {
      // Work that obeys the signal rejects with its reason.
      if (!lease.signal.aborted) {
        this.#failures += 1;
        logger?.error('The work of a lease failed', { lease: name, error });
      }
    }
    const wasHeld = lease.isHeld;
    lease.lose('its work has ended');
    finished.abort();
    await renewing;
    this.#lease = undefined;
    if (wasHeld) await this.#tried('release', () => table.release(name, lease.epoch));
    logger?.info(wasHeld ? 'Lease released' : 'Lease lost', { lease: name, node, epoch: lease.epoch });
  }

  /** Renews the lease until it is lost or its work has `finished`. */
  async #renew(lease: Lease, finished: AbortSignal): Promise<void> {
    const { table, clock, times } = this.#options;
    for (;;) {
      // A lapse must be noticed when it happens, although a renewal may wait for the database then.
      if (!(await clock.pause(Math.min(times.renewMs, lease.leftMs), finished)) || !lease.isHeld) return;
      const sentAt = clock.elapsed();
      const isOver = new AbortController();
      void clock.pause(lease.leftMs, isOver.signal).then(() => lease.isHeld);
      const isRenewed = await this.#tried('renew', () => table.renew(lease.name, lease.epoch, times.ttlMs));
      isOver.abort();
      if (isRenewed === false) lease.lose('another node has taken it');
      if (!lease.isHeld) return;
      if (isRenewed === true) lease.renewed(sentAt + times.heldMs);
    }
  }

  /** Runs a statement. Of several failures in sequence the first is logged: a database that is away fails each attempt. */
  async #tried<T>(action: string, attempt: () => Promise<T>): Promise<T | undefined> {
    const { name, logger } = this.#options;
    try {
      const result = await attempt();
      this.#isTroubled = false;
      return result;
    } catch (error) {
      if (!this.#isTroubled)
        logger?.warn('The database did not answer about a lease', { lease: name, action, error });
      this.#isTroubled = true;
      return undefined;
    }
  }
}

function isSame(a: LeaseRow | undefined, b: LeaseRow): boolean {
  return a !== undefined && a.epoch === b.epoch && a.untilMs === b.untilMs && a.node === b.node;
}
