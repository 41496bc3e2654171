const RULES = new Intl.PluralRules('en');

/**
 * A number and its noun in the form that the number takes in English.
 *
 * @param plural the noun for any number but one; default: with an s
 * @example counted(1, 'message'); // '1 message'
 * @example counted(0, 'reply', 'replies'); // '0 replies'
 */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${RULES.select(count) === 'one' ? noun : plural}`;
}
