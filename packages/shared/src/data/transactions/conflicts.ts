/**
 * Decides when a transaction meets a conflict with another one. SQLite has one writer, so its transactions never do; an
 * engine on which transactions run beside each other detects conflicts, and tests prepare code for that.
 */
export interface SimulatedConflicts {
  /** Asked when the work of `transaction()` has resolved for the `run`th time: `true` rolls it back and runs it again. */
  readonly inTransaction?: (run: number) => boolean;
  /** Asked at the commit of a transaction of `begin()`: `true` rolls it back and fails the commit. */
  readonly inBegun?: () => boolean;
}

/** Runs the work of about a quarter of all transactions twice. Transactions of `begin()` are left alone. */
export function randomConflicts(random: () => number = Math.random): SimulatedConflicts {
  return { inTransaction: (run) => run === 1 && random() < 0.25 };
}
