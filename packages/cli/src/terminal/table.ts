import { createRequire } from 'node:module';
import { onOneLine, styles } from './style.ts';

const NO_FRAME = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
    .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'])
    .map((edge) => [edge, '']),
);

/** Columns with a header and without a frame, as wide as their content. Each row takes one line, whatever its cells contain. */
export function table(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  // Loaded here, since a command that answers in JSON draws no table.
  const Table: typeof import('cli-table3') = createRequire(import.meta.url)('cli-table3');
  const drawn = new Table({
    head: head.map((title) => styles.bold(onOneLine(title))),
    chars: { ...NO_FRAME, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  drawn.push(...rows.map((row) => row.map((cell) => onOneLine(String(cell ?? '')))));
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** A state or status in its colour. */
export function coloured(state: string): string {
  if (['running', 'healthy', 'ready', 'info'].includes(state)) return styles.green(state);
  if (['degraded', 'retrying', 'waiting', 'starting', 'draining', 'warn'].includes(state))
    return styles.yellow(state);
  if (['failed', 'unhealthy', 'error', 'fatal'].includes(state)) return styles.red(state);
  return state;
}
