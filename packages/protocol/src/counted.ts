const RULES = new Intl.PluralRules('en');

/**
 * A number with its noun, singular or plural.
 *
 * @param plural the noun for any number but one; default: with an s
 * @example counted(1, 'message'); // '1 message'
 * @example counted(0, 'reply', 'replies'); // '0 replies'
 */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${RULES.select(count) === 'one' ? noun : plural}`;
}
