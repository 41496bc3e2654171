/** Characters of a failure's reason that are kept. */
const LONGEST_REASON = 1_024;

/**
 * The text of a failure, well-formed and bounded, of any value that was thrown.
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
