import type { SqlValue } from '../types.ts';
import type { Connection } from './connection.ts';
import { isStorageFault, toFailure } from './failure.ts';
import type { Arguments, Outcome, PreparedStatements } from './statements.ts';
import type { Failure } from './wire.ts';

/** One statement of a group. */
export interface GroupCall {
  readonly id: number;
  readonly args: Arguments;
}

/** What became of a group: `outcome` for those that are stored now, one failure for each of the others. */
export interface GroupOutcome {
  readonly outcome: Outcome;
  readonly failures: Failure[];
}

type Attempt =
  | {
      readonly is: 'committed';
      readonly outcome: Outcome;
      readonly failed: ReadonlyMap<number, Failure>;
    }
  /** These statements fail; the others have to be tried again without them. */
  | { readonly is: 'undone'; readonly failed: ReadonlyMap<number, Failure> }
  /** The commit itself was refused, for a reason that one of the statements must have given. */
  | { readonly is: 'refused'; readonly failure: Failure }
  /** Nothing was stored and nothing can be. */
  | { readonly is: 'broken'; readonly failure: Failure };

/**
 * Runs statements that do not belong together in one transaction, so that they share one fsync. To its caller each is as
 * if it had run alone: one that fails takes no other with it, and nothing is reported stored that was not committed.
 */
export function commitGroup(
  connection: Connection,
  statements: PreparedStatements,
  calls: readonly GroupCall[],
): GroupOutcome {
  const layouts: Outcome['layouts'] = [];
  let failed: ReadonlyMap<number, Failure> = new Map();
  for (;;) {
    const attempt = tryGroup(connection, statements, calls, failed, layouts);
    switch (attempt.is) {
      case 'committed':
        return { outcome: attempt.outcome, failures: inOrder(attempt.failed) };
      case 'undone':
        failed = attempt.failed;
        break;
      case 'broken':
        return allFailed(calls, layouts, attempt.failure);
      case 'refused':
        return calls.length === 1
          ? allFailed(calls, layouts, attempt.failure)
          : oneByOne(connection, statements, calls, layouts);
    }
  }
}

function tryGroup(
  connection: Connection,
  statements: PreparedStatements,
  calls: readonly GroupCall[],
  knownFailures: ReadonlyMap<number, Failure>,
  layouts: Outcome['layouts'],
): Attempt {
  const failed = new Map(knownFailures);
  const outcome: Outcome = { rows: [], values: [], layouts, effects: [] };
  try {
    statements.begin();
    for (const [index, { id, args }] of calls.entries()) {
      if (knownFailures.has(index)) {
        outcome.rows.push(-1);
        outcome.effects.push(0, null);
        continue;
      }
      try {
        statements.run(id, args, outcome, true);
      } catch (error) {
        const failure = toFailure(error, connection.name);
        if (isStorageFault(failure.code)) return giveUp(connection, statements, failure);
        failed.set(index, failure);
        outcome.rows.push(-1);
        outcome.effects.push(0, null);
        // INSERT OR ROLLBACK, or a trigger's RAISE(ROLLBACK): the statements before it are undone as well.
        if (!connection.inTransaction) {
          statements.forgetAll();
          return { is: 'undone', failed };
        }
      }
    }
  } catch (error) {
    return giveUp(connection, statements, toFailure(error, connection.name));
  }
  try {
    statements.commit();
  } catch (error) {
    const failure = toFailure(error, connection.name);
    if (isStorageFault(failure.code)) return giveUp(connection, statements, failure);
    rollBack(connection, statements);
    return { is: 'refused', failure };
  }
  return { is: 'committed', outcome, failed };
}

function inOrder(failed: ReadonlyMap<number, Failure>): Failure[] {
  return [...failed].sort(([a], [b]) => a - b).map(([, failure]) => failure);
}

function giveUp(connection: Connection, statements: PreparedStatements, failure: Failure): Attempt {
  rollBack(connection, statements);
  return { is: 'broken', failure };
}

function rollBack(connection: Connection, statements: PreparedStatements): void {
  statements.forgetAll();
  if (connection.inTransaction) connection.exec('ROLLBACK');
}

function oneByOne(
  connection: Connection,
  statements: PreparedStatements,
  calls: readonly GroupCall[],
  layouts: Outcome['layouts'],
): GroupOutcome {
  const outcome: Outcome = { rows: [], values: [] as SqlValue[], layouts, effects: [] };
  const failures: Failure[] = [];
  for (const call of calls) {
    const alone = commitGroup(connection, statements, [call]);
    outcome.rows.push(...alone.outcome.rows);
    for (const value of alone.outcome.values) outcome.values.push(value);
    outcome.effects.push(...alone.outcome.effects);
    outcome.layouts.push(...alone.outcome.layouts);
    failures.push(...alone.failures);
  }
  return { outcome, failures };
}

function allFailed(calls: readonly GroupCall[], layouts: Outcome['layouts'], failure: Failure): GroupOutcome {
  return {
    outcome: {
      rows: calls.map(() => -1),
      values: [],
      layouts,
      effects: calls.flatMap(() => [0, null]),
    },
    failures: calls.map(() => failure),
  };
}
