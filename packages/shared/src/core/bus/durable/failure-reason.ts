/** Characters of a failure's reason that are kept. */
const LONGEST_REASON = 1_024;

/**
 * What a failure says of itself, in text that can be kept and sent whatever was thrown.
 *
 * @example reasonOf(Object.create(null)); // 'the handler threw something that has no text'
 */
export function reasonOf(failure: unknown): string {
  try {
    const text = failure instanceof Error ? String(failure.message) : String(failure);
    return text.slice(0, LONGEST_REASON).toWellFormed();
  } catch {
    return 'the handler threw something that has no text';
  }
}
