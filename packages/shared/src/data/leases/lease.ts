import type { Clock } from '../../core/tasks/index.ts';
import type { Transaction } from '../types.ts';
import { OwnedTransaction } from '../views/owned-transaction.ts';
import { LeaseLostError } from './errors.ts';
import type { LeaseTable } from './lease-table.ts';

interface LeaseOptions {
  readonly name: string;
  readonly node: string;
  readonly epoch: number;
  readonly table: LeaseTable;
  readonly clock: Clock;
  /** By `clock.elapsed()`, see {@link Lease.renewed}. */
  readonly deadline: number;
}

/**
 * A lease that this node has taken. It ends when it is released, when another node has taken it, and when it could not be renewed
 * in time, which this node judges by its own clock.
 */
export class Lease {
  readonly name: string;
  readonly epoch: number;
  readonly #node: string;
  readonly #table: LeaseTable;
  readonly #clock: Clock;
  readonly #controller = new AbortController();
  #deadline: number;
  #lost: LeaseLostError | undefined;

  constructor({ name, node, epoch, table, clock, deadline }: LeaseOptions) {
    this.name = name;
    this.epoch = epoch;
    this.#node = node;
    this.#table = table;
    this.#clock = clock;
    this.#deadline = deadline;
  }

  /** Aborted when the work has to end, because the lease is lost or will be released. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether this node may do the work at this moment. Read before each effect outside the database. */
  get isHeld(): boolean {
    if (this.#lost === undefined && this.#clock.elapsed() >= this.#deadline)
      this.lose('it was not renewed in time');
    return this.#lost === undefined;
  }

  /** Milliseconds until the lease ends unless it is renewed. */
  get leftMs(): number {
    return this.isHeld ? this.#deadline - this.#clock.elapsed() : 0;
  }

  /**
   * Makes `tx` commit only while this node holds the lease: checks the epoch and locks it until the transaction has ended, so
   * that no other node can take the lease in between. Call it first in each transaction of the work.
   *
   * @throws {LeaseLostError}
   */
  async guard(tx: Transaction): Promise<void> {
    // The table of leases belongs to the backend, whatever the rights of the transaction are.
    const inner = OwnedTransaction.innerOf(tx) as Transaction;
    if (this.isHeld && !(await this.#table.lock(inner, this.name, this.epoch)))
      this.lose('another node has taken it');
    if (this.#lost !== undefined) throw this.#lost;
  }

  /** For the candidacy: the lease was renewed until `deadline`, by the clock of the node. */
  renewed(deadline: number): void {
    this.#deadline = deadline;
  }

  /** For the candidacy: the lease has ended, or is regarded as such. */
  lose(reason: string, cause?: unknown): void {
    this.#lost ??= new LeaseLostError(this.name, this.#node, reason, cause);
    this.#controller.abort(this.#lost);
  }

  /** For the candidacy: asks the work to end while the lease is still held. */
  end(): void {
    this.#controller.abort(new LeaseLostError(this.name, this.#node, 'it is being released'));
  }
}
