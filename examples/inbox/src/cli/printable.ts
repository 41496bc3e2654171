import { stripVTControlCharacters } from 'node:util';

/** Control characters but tab and line feed, and what turns the direction of writing around. */
const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Text of a stranger as a terminal may show it: mail that has control sequences must not move the cursor, rename the
 * window or hide what stands before it.
 *
 * @example printable('\u001b[2JGone?') // 'Gone?'
 */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replace(UNPRINTABLE, (found) =>
    found === '\n' || found === '\t' ? found : '',
  );
}

/** The same on one line. */
export function printableLine(text: string): string {
  return printable(text).replaceAll(/\s+/g, ' ').trim();
}
