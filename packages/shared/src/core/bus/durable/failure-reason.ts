import { reasonOf } from '@aico/protocol';

/** Characters of a failure's reason that are stored with a message. */
const LONGEST_REASON = 1_024;

/** The reason of a failure as it is stored: bounded, and well-formed text. */
export function storedReasonOf(failure: unknown): string {
  return reasonOf(failure).slice(0, LONGEST_REASON).toWellFormed();
}
