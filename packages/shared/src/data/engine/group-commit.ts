import type { Connection } from '../driver.ts';
import type { BoundParameters } from '../statements/bound-parameters.ts';
import { isStorageFault, notRun, toFailure } from './failure.ts';
import { emptyOutcome, type Outcome, type PreparedStatements, truncate } from './statements.ts';
import { type Failure, isStopping, LARGE_ANSWER_BYTES } from './wire.ts';

/** One statement of a group. */
export interface GroupCall {
  readonly id: number;
  readonly args: BoundParameters;
}

/** The result of a group: `outcome` of the calls that were committed, and one failure for each of the others. */
interface GroupOutcome {
  readonly outcome: Outcome;
  readonly failures: Failure[];
}

/** The number of calls that a transaction contained, and the failure that rolled it back, if any. */
interface Attempt {
  readonly taken: number;
  readonly refused: Failure | undefined;
  /** No transaction can begin at all, so no other call needs to be tried. */
  readonly forAll: boolean;
}

/**
 * Runs independent statements in as few transactions as possible, so that they share an fsync. Each has the outcome that it would
 * have alone: a failing statement makes no other fail, and a statement is reported as stored only if it was committed.
 */
export function commitGroup(
  connection: Connection,
  statements: PreparedStatements,
  calls: readonly GroupCall[],
): GroupOutcome {
  const group: GroupOutcome = { outcome: emptyOutcome(), failures: [] };
  for (let at = 0; at < calls.length; ) {
    const { taken, refused, forAll } = tryCommit(connection, statements, calls, at, calls.length, group);
    const end = at + taken;
    if (refused === undefined) {
      at = end;
      continue;
    }
    if (forAll) {
      for (; at < calls.length; at += 1) addFailure(group, refused);
      break;
    }
    if (taken === 1) addFailure(group, refused);
    else
      for (let each = at; each < end; each += 1) {
        const alone = tryCommit(connection, statements, calls, each, each + 1, group);
        if (alone.refused !== undefined) addFailure(group, alone.refused);
      }
    at = end;
  }
  return group;
}

/**
 * Runs calls in one transaction, from `at` to `end` or to one that needs a separate transaction, and commits. If that fails,
 * `group` is unchanged.
 */
function tryCommit(
  connection: Connection,
  statements: PreparedStatements,
  calls: readonly GroupCall[],
  at: number,
  end: number,
  group: GroupOutcome,
): Attempt {
  const { outcome, failures } = group;
  const before = {
    rows: outcome.rows.length,
    values: outcome.values.length,
    bytes: outcome.bytes,
    failures: failures.length,
  };
  let next = at;
  let last = end;
  let begun = false;
  try {
    statements.begin();
    begun = true;
    for (; next < last; next += 1) {
      const call = calls[next];
      if (call === undefined) break;
      try {
        if (outcome.bytes > LARGE_ANSWER_BYTES) throw notRun();
        const separate = statements.needsOwnTransaction(call.id, call.args);
        if (separate && next > at) break;
        if (separate) last = next + 1;
        statements.run(call.id, call.args, outcome, true);
      } catch (error) {
        const failure = toFailure(error, connection.name);
        // When the transaction has ended, the statements before this one are undone as well.
        if (isStorageFault(failure.code) || !connection.inTransaction) throw error;
        addFailure(group, failure);
      }
    }
    statements.commit();
    return { taken: next - at, refused: undefined, forAll: false };
  } catch (error) {
    statements.rollBack();
    truncate(outcome, before.rows, before.values, before.bytes);
    failures.length = before.failures;
    const refused = toFailure(error, connection.name);
    return { taken: Math.min(next + 1, last) - at, refused, forAll: !begun || isStopping(refused.code) };
  }
}

function addFailure({ outcome, failures }: GroupOutcome, failure: Failure): void {
  outcome.rows.push(-1);
  outcome.effects.push(0, null);
  failures.push(failure);
}
