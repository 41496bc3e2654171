import { WriteUnconfirmedError } from '@aico/shared/core/paths';
import { ChangeFailedError, UsageError } from './errors.ts';

/** The two states that a change can lead to, each described in a sentence. */
interface Outcomes {
  /** The state when the change was not made. */
  readonly before: string;
  /** The state when the change was made and a later step failed. */
  readonly after: string;
}

/**
 * Makes a change. If it fails, the error states which of the two states is in force: a write that the disk did not confirm may
 * have been made.
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
    // An unanswered question means that no change was begun.
    if (error instanceof UsageError || (error instanceof Error && error.name === 'ExitPromptError'))
      throw error;
    throw new ChangeFailedError(isInForce(error) ? after : before, error);
  }
}

/** Whether a change is in force although `error` was thrown. */
export function isInForce(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause)
    if (at instanceof WriteUnconfirmedError) return true;
  return false;
}
