import { setTimeout as pause } from 'node:timers/promises';
import { reasonOf } from '@aico/protocol';
import { type PostgresConnection, StepFailed } from './connection.ts';
import { CommitUnknownError, DatabaseUnreachableError } from './errors.ts';
import { isLoss, isServerError } from './failures.ts';
import type { PostgresPool } from './pool.ts';

/** How long the outcome of a commit is asked for, in milliseconds. */
const RESOLVE_MS = 30_000;
const ASK_EVERY_MS = 100;

/** The number of a transaction that has written, as text. */
export const TRANSACTION_NUMBER = 'SELECT pg_current_xact_id()::text';
/** The same, or null for one that has not written. */
export const TRANSACTION_NUMBER_IF_ANY = 'SELECT pg_current_xact_id_if_assigned()::text';

/** A process that still has the transaction open has not received COMMIT, or has not finished it: ending it decides. */
const END_OWNER =
  'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_xid = ($1::xid8)::xid AND pid <> pg_backend_pid()';

/**
 * Commits the open transaction of a connection. If the connection is lost meanwhile, the outcome is read over another one.
 *
 * @param number of the transaction; `undefined` if it has not written
 * @throws {StepFailed} when the server refused the commit @throws {DatabaseUnreachableError} when nothing was stored
 * @throws {CommitUnknownError} when the outcome could not be determined
 */
export async function commit(
  connection: PostgresConnection,
  number: string | undefined,
  control: PostgresPool,
  location: string,
): Promise<void> {
  let cause: unknown;
  try {
    const { tag } = await connection.one('COMMIT');
    if (tag === 'COMMIT') return;
    throw new Error('the server rolled the transaction back');
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    if (isServerError(error.cause) && !isLoss(error.cause)) throw error;
    cause = error.cause;
  }
  connection.destroy(cause);
  const lost = (): DatabaseUnreachableError =>
    new DatabaseUnreachableError(
      location,
      'the connection was lost during a commit, which did not happen',
      cause,
    );
  if (number === undefined) throw lost();
  if (!(await wasCommitted(number, connection.life, control))) throw lost();
}

/** Asks the server whether the transaction was committed. @throws {CommitUnknownError} */
async function wasCommitted(number: string, life: string, control: PostgresPool): Promise<boolean> {
  const until = performance.now() + RESOLVE_MS;
  let reason: unknown = new Error('the server did not answer in time');
  while (performance.now() < until) {
    try {
      const found = await control.use(async (connection) => {
        const { rows } = await connection.one('SELECT pg_xact_status($1::xid8)', {
          values: [number],
          types: [0],
        });
        return { status: rows[0]?.[0], hasSameLife: connection.life === life };
      });
      if (found.status === 'aborted') return false;
      if (!found.hasSameLife)
        throw new CommitUnknownError(
          'the server crashed, and may have given the number of the transaction twice',
        );
      if (found.status === 'committed') return true;
      if (found.status !== 'in progress')
        throw new CommitUnknownError('the server no longer knows the transaction');
      await control.use((connection) => connection.one(END_OWNER, { values: [number], types: [0] }));
    } catch (error) {
      if (error instanceof CommitUnknownError) throw error;
      if (error instanceof StepFailed && isServerError(error.cause) && !isLoss(error.cause))
        throw new CommitUnknownError('the server does not know the transaction', error.cause);
      reason = error;
    }
    await pause(ASK_EVERY_MS);
  }
  throw new CommitUnknownError(reasonOf(reason), reason);
}
