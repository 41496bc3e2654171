import { randomInt } from 'node:crypto';
import { printable } from '@aico/protocol';

interface Screen {
  readonly isTTY?: boolean;
}

/**
 * Whether colours are shown on `stream`: on a terminal, unless `NO_COLOR` (https://no-color.org) is set or the terminal is
 * dumb. A pipe has colours only if `FORCE_COLOR` is set.
 */
export function showsColours(stream: Screen, env: NodeJS.ProcessEnv = process.env): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR && env.FORCE_COLOR !== '0') return true;
  return stream.isTTY === true && env.TERM !== 'dumb';
}

const ESCAPE = '\u001b';

/**
 * Marks a style as one of this process. Foreign text cannot know the random mark, so it cannot add colours. It consists of four
 * numbers of four digits, since libraries ignore text in the form of a colour when they measure widths.
 */
function mark(): string {
  // Made when needed: a command that answers in JSON loads no cryptography.
  madeMark ??= Array.from({ length: 4 }, () => randomInt(1_000, 10_000)).join(';');
  return madeMark;
}

let madeMark: string | undefined;

function style(on: number, off: number): (text: string) => string {
  return (text) => `${marked(on)}${text}${marked(off)}`;
}

function marked(code: number | string): string {
  return `${ESCAPE}[${mark()};${code}m`;
}

/** Styles for text written by {@link terminalText}, which converts them to colours if there are any. */
export const styles = {
  bold: style(1, 22),
  dim: style(2, 22),
  red: style(31, 39),
  green: style(32, 39),
  yellow: style(33, 39),
  cyan: style(36, 39),
} as const;

/**
 * Text for a terminal or a pipe: {@link styles} become colours or are removed, line breaks and tabs remain, and every other
 * control or invisible character becomes an escape.
 */
export function terminalText(text: string, isColoured: boolean): string {
  return parts(
    text,
    (plain) => printable(plain, { lines: true }),
    (code) => (isColoured ? `${ESCAPE}[${code}m` : ''),
  );
}

/** Foreign text on one line: a line break could imitate the start of another line. Keeps {@link styles}. */
export function onOneLine(text: string): string {
  return parts(text, (plain) => printable(plain), marked);
}

function parts(text: string, plain: (text: string) => string, code: (code: string) => string): string {
  // Nothing is styled yet.
  if (madeMark === undefined) return plain(text);
  return text
    .split(new RegExp(`${ESCAPE}\\[${madeMark};(\\d+)m`))
    .map((part, index) => (index % 2 === 0 ? plain(part) : code(part)))
    .join('');
}
