import { once } from 'node:events';
import { createRequire } from 'node:module';
import type { Output } from '@aico/backend/plugin';
import { onOneLine, showsColours, terminalText } from './style.ts';

/** @param isJson called at each use, since the output may be created before the options are read */
export function createOutput(isJson: () => boolean): Output {
  return {
    get json() {
      return isJson();
    },
    print: (value, text) => write(process.stdout, isJson() ? (JSON.stringify(value) ?? 'null') : text(value)),
    note: (text) => {
      if (!isJson()) write(process.stderr, text);
    },
    progress: (total, label) => progress(total, label, isJson()),
  };
}

/** The remark that a reader was too slow, or away for too long. */
export function gapText(lost: number | undefined): string {
  return lost === undefined ? '(some were lost)' : `(${lost} lost)`;
}

/** Writes whole lines, see {@link terminalText}. JSON keeps its value, since its escapes are those of JSON. */
export function write(stream: NodeJS.WriteStream, text: string): void {
  writePart(stream, text.endsWith('\n') ? text : `${text}\n`);
}

/** Writes text that need not end with a line break. */
export function writePart(stream: NodeJS.WriteStream, text: string): void {
  stream.write(terminalText(text, showsColours(stream)));
}

/** Writes bytes to stdout unchanged, as fast as its reader accepts them. */
export async function writeBytes(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
  for await (const chunk of chunks) if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
}

function progress(total: number, label: string, isJson: boolean): ReturnType<Output['progress']> {
  if (isJson || !process.stderr.isTTY) return { update: () => {}, stop: () => {} };
  // Loaded here, since most commands show no progress; required, since the caller does not wait.
  const { SingleBar }: typeof import('cli-progress') = createRequire(import.meta.url)('cli-progress');
  const shown = (text: string): string => terminalText(onOneLine(text), false);
  const bar = new SingleBar({
    format: `${shown(label)} {bar} {percentage}% · {value}/{total} · {note}`,
    hideCursor: true,
    stream: process.stderr,
  });
  bar.start(total, 0, { note: '' });
  return {
    update: (done, note = '') => bar.update(done, { note: shown(note) }),
    stop: () => bar.stop(),
  };
}
