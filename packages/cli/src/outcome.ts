import { WriteUnconfirmedError } from '@aico/shared/core/paths';
import { ChangeFailedError, UsageError } from './errors.ts';

/** The two states a change can leave, each as a sentence. */
export interface Outcomes {
  /** What holds when the change was not made. */
  readonly before: string;
  /** What holds when it was made, though something failed afterwards. */
  readonly after: string;
}

/**
 * Makes a change, and says in its error which state holds: a write that the disk did not confirm is in force.
 *
 * @throws {ChangeFailedError}
 * @example
 * ```ts
 * await changing(
 *   { before: 'The old password is still in force.', after: 'The new password is in force.' },
 *   () => keys.changePassword(present, next),
 * );
 * ```
 */
export async function changing<T>({ before, after }: Outcomes, change: () => Promise<T>): Promise<T> {
  try {
    return await change();
  } catch (error) {
    // A question that was not answered is no change that failed.
    if (error instanceof UsageError || (error instanceof Error && error.name === 'ExitPromptError'))
      throw error;
    throw new ChangeFailedError(isInForce(error) ? after : before, error);
  }
}

/** Whether the change that `error` reports holds all the same. */
export function isInForce(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause)
    if (at instanceof WriteUnconfirmedError) return true;
  return false;
}
