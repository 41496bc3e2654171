import type { Output } from '@aico/backend/plugin';
import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import { answerText, colours, onOneLine } from './style.ts';

/** `isJson` is asked each time: whoever holds the output may have it from before the options were read. */
export function createOutput(isJson: () => boolean): Output {
  return {
    get json() {
      return isJson();
    },
    print(value, text) {
      // In JSON what is made visible is an escape of its own: the value stays the same.
      const line = answerText(isJson() ? (JSON.stringify(value) ?? 'null') : text(value));
      process.stdout.write(line.endsWith('\n') ? line : `${line}\n`);
    },
    note(text) {
      if (!isJson()) process.stderr.write(`${answerText(text)}\n`);
    },
    progress(total, label) {
      if (isJson() || !process.stderr.isTTY) return { update: () => {}, stop: () => {} };
      const bar = new SingleBar({
        format: `${label} {bar} {percentage}% · {value}/{total} · {note}`,
        hideCursor: true,
        stream: process.stderr,
      });
      bar.start(total, 0, { note: '' });
      return {
        update: (done, note = '') => bar.update(done, { note }),
        stop: () => bar.stop(),
      };
    },
  };
}

/** Columns with a head and no frame, as wide as they need to be. */
export function table(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const none = Object.fromEntries(
    ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
      .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'])
      .map((edge) => [edge, '']),
  );
  const drawn = new Table({
    head: head.map((title) => colours.bold(title)),
    chars: { ...none, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  // On one line: a cell that somebody else wrote could otherwise look like rows of the table.
  drawn.push(...rows.map((row) => row.map((cell) => onOneLine(String(cell ?? '')))));
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** A state or status in its colour, where colours are shown. */
export function coloured(state: string): string {
  if (['running', 'healthy', 'ready', 'info'].includes(state)) return colours.green(state);
  if (['degraded', 'retrying', 'waiting', 'starting', 'draining', 'warn'].includes(state))
    return colours.yellow(state);
  if (['failed', 'unhealthy', 'error', 'fatal'].includes(state)) return colours.red(state);
  return state;
}
