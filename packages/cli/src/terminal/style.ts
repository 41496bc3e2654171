import { printable } from '@aico/protocol';
import pc from 'picocolors';

interface Watched {
  readonly isTTY?: boolean;
}

/**
 * Whether colours are shown on `stream`: where a person watches, and neither https://no-color.org nor a dumb terminal
 * says otherwise. picocolors' own answer is not used: it knows only stdout, and colours every pipe where `CI` is set.
 */
export function showsColours(stream: Watched, env: NodeJS.ProcessEnv = process.env): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR && env.FORCE_COLOR !== '0') return true;
  return stream.isTTY === true && env.TERM !== 'dumb';
}

/** For what goes to stdout. */
export const colours = pc.createColors(showsColours(process.stdout));

/** For what goes to stderr. */
export const errorColours = pc.createColors(showsColours(process.stderr));

const ESCAPE = String.fromCharCode(27);

/** The sequences that `colours` and `errorColours` write. */
const COLOURS = new RegExp(`(${ESCAPE}\\[(?:0|1|2|22|3[1-79]|39|9[0-7])m)`);

/** The text of a command's answer as a terminal may have it: {@link printable} but for line breaks, tabs and colours. */
export function answerText(text: string): string {
  return text
    .split(COLOURS)
    .map((part, index) => (index % 2 === 1 ? part : printable(part, { lines: true })))
    .join('');
}

/** {@link answerText} on one line, for where a line of its own would look like somebody else's. */
export function onOneLine(text: string): string {
  return answerText(text.replaceAll(/\r?\n/g, '\\n'));
}
