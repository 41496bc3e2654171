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

/** The colours that are written here, and of everything else what would move, hide or turn what stands around it. */
const SPECIAL = new RegExp(
  `${ESCAPE}\\[(?:0|1|2|22|3[1-79]|39|9[0-7])m|\\r\\n|\\p{Cc}|[\\u202a-\\u202e\\u2066-\\u2069]`,
  'gu',
);

/**
 * The text as a terminal may have it. What others wrote (the subject of a mail, a line of the log) could otherwise
 * move the cursor, rewrite lines above, set the title or hide what follows.
 *
 * @example printable('a\u001b[2Jb'); // 'a\\u001b[2Jb'
 */
export function printable(text: string): string {
  return text.replaceAll(SPECIAL, (special) => {
    if (special === '\r\n') return '\n';
    if (special === '\n' || special === '\t' || special.length > 1) return special;
    return `\\u${special.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** {@link printable} on one line, for where a line of its own would look like somebody else's. */
export function onOneLine(text: string): string {
  return printable(text.replaceAll(/\r?\n/g, '\\n'));
}
