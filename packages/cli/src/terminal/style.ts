import { randomInt } from 'node:crypto';
import { printable } from '@aico/protocol';

interface Screen {
  readonly isTTY?: boolean;
}

/**
 * Whether colours are shown on `stream`: on a terminal, unless `NO_COLOR` (https://no-color.org) is set or the terminal is
 * a dumb one. A pipe has colours only where `FORCE_COLOR` asks for them.
 */
export function showsColours(stream: Screen, env: NodeJS.ProcessEnv = process.env): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR && env.FORCE_COLOR !== '0') return true;
  return stream.isTTY === true && env.TERM !== 'dumb';
}

const ESCAPE = '\u001b';

/**
 * Marks a style as one of this process: foreign text cannot know it, and so cannot bring colours of its own. Four numbers
 * of four digits, since that is the form of a colour which libraries leave out when they measure text.
 */
const MARK = Array.from({ length: 4 }, () => randomInt(1_000, 10_000)).join(';');
const MARKED = new RegExp(`${ESCAPE}\\[${MARK};(\\d+)m`);

function style(on: number, off: number): (text: string) => string {
  return (text) => `${marked(on)}${text}${marked(off)}`;
}

function marked(code: number | string): string {
  return `${ESCAPE}[${MARK};${code}m`;
}

/** Styles for text that is written by {@link terminalText}, which shows them where there are colours. */
export const styles = {
  bold: style(1, 22),
  dim: style(2, 22),
  red: style(31, 39),
  green: style(32, 39),
  yellow: style(33, 39),
  cyan: style(36, 39),
} as const;

/**
 * Text as a terminal or a pipe may have it: {@link styles} as colours or not at all, line breaks and tabs as they are, and
 * every other character that a terminal obeys or a reader cannot see as an escape.
 */
export function terminalText(text: string, isColoured: boolean): string {
  return parts(
    text,
    (plain) => printable(plain, { lines: true }),
    (code) => (isColoured ? `${ESCAPE}[${code}m` : ''),
  );
}

/** Foreign text for a place where a line break would look like the beginning of another line. Keeps {@link styles}. */
export function onOneLine(text: string): string {
  return parts(text, (plain) => printable(plain), marked);
}

function parts(text: string, plain: (text: string) => string, code: (code: string) => string): string {
  return text
    .split(MARKED)
    .map((part, index) => (index % 2 === 0 ? plain(part) : code(part)))
    .join('');
}
