import { reasonOf } from '@aico/protocol';

/** The maximum length of a stored reason, in characters. */
const LONGEST_REASON = 1_024;

/** The reason of a failure for storage with a message: text of bounded length that a database accepts, without NUL and lone surrogates. */
export function storedReasonOf(failure: unknown): string {
  return reasonOf(failure).slice(0, LONGEST_REASON).toWellFormed().replaceAll('\0', '\ufffd');
}
