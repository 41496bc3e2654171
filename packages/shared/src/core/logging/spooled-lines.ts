import { parseJson } from '@aico/protocol';
import { type DroppedLines, isBelowWarn, type QueuedLine } from './line-queue.ts';
import { type StoredLine, storedLinesIn, storedText } from './stored-line.ts';

/** Lines that a full spool did not take. */
export interface SpooledGap extends DroppedLines {
  /** Their lowest and highest number. */
  readonly first: number;
  readonly last: number;
}

/** `gap` with further lines. */
export function gapWith(gap: SpooledGap | undefined, lines: readonly QueuedLine[]): SpooledGap {
  const times = lines.map(({ record }) => record.time);
  const numbers = lines.map(({ number }) => number);
  return {
    first: Math.min(gap?.first ?? Number.POSITIVE_INFINITY, ...numbers),
    last: Math.max(gap?.last ?? 0, ...numbers),
    dropped: (gap?.dropped ?? 0) + lines.length,
    severe: (gap?.severe ?? 0) + lines.filter((line) => !isBelowWarn(line)).length,
    from: Math.min(gap?.from ?? Number.POSITIVE_INFINITY, ...times),
    to: Math.max(gap?.to ?? 0, ...times),
  };
}

/** How a gap is logged. */
export function gapFields({ dropped, severe, from, to }: DroppedLines) {
  return { dropped, severe, from: new Date(from).toISOString(), to: new Date(to).toISOString() };
}

/**
 * The lines of a run that has ended, each once and in order, from the texts that its spool kept. Texts overlap, since lines of
 * `warn` and above are spooled before lower ones that were logged earlier.
 *
 * @param entries by the lowest number of each; no later one has a number below `next`
 * @param after lines up to this number are stored
 */
export function* linesOfRun(
  entries: Iterable<{ readonly text: string; readonly next: number }>,
  after: number,
): Generator<StoredLine> {
  let waiting: StoredLine[] = [];
  let newest = after;
  for (const { text, next } of entries) {
    waiting.push(...linesOf(parseJson(text) as readonly unknown[][] | SpooledGap, after));
    waiting.sort((a, b) => a.number - b.number);
    const ready = waiting.findIndex(({ number }) => number >= next);
    const done = ready === -1 ? waiting : waiting.slice(0, ready);
    waiting = ready === -1 ? [] : waiting.slice(ready);
    for (const line of done) {
      if (line.number <= newest) continue;
      newest = line.number;
      yield line;
    }
  }
}

function linesOf(content: readonly unknown[][] | SpooledGap, after: number): readonly StoredLine[] {
  if (isLines(content)) return storedLinesIn(content);
  const { last, dropped, severe, from, to } = content;
  // Those that were stored from memory after all are not missing.
  const missing = Math.min(dropped, last - after);
  const fields = gapFields({ dropped: missing, severe: Math.min(severe, missing), from, to });
  const message = 'Log lines were dropped: the spool was full';
  const record = {
    time: to,
    level: 'warn',
    service: 'logging',
    component: 'spool',
    message,
    fields,
  } as const;
  return [{ number: last, text: storedText(last, record) }];
}

function isLines(content: readonly unknown[][] | SpooledGap): content is readonly unknown[][] {
  return Array.isArray(content);
}
