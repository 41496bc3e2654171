import type { WorkContext } from '../tracing/index.ts';
import { LEVEL_NUMBERS } from './levels.ts';
import type { QueuedLine } from './line-queue.ts';
import type { LogRecord } from './types.ts';

/** A line as the spool and the table keep it: the text of a JSON array, which ends with the number of the line in its process. */
export interface StoredLine {
  readonly number: number;
  readonly text: string;
}

/** The position of the number in the array. */
const NUMBER = 10;

/**
 * The request, trace, plugin and device of a line. A request that the caller passed as a field counts where none is known, as
 * in the guide: `{ request_id: id }`.
 */
export function contextOf({ context, fields }: Pick<LogRecord, 'context' | 'fields'>): WorkContext {
  if (context?.requestId !== undefined) return context;
  const requestId = fields.requestId ?? fields.request_id;
  return typeof requestId === 'string' ? { ...context, requestId } : (context ?? {});
}

/** A line as it is kept. */
export function storedText(number: number, record: LogRecord): string {
  const { time, level, service, component, message, fields } = record;
  const { requestId, traceId, plugin, device } = contextOf(record);
  // Well-formed, since SQLite keeps text as UTF-8.
  const row = [
    time,
    LEVEL_NUMBERS[level],
    service,
    component,
    message.toWellFormed(),
    JSON.stringify(fields),
    requestId,
    traceId,
    plugin,
    device,
    number,
  ];
  return JSON.stringify(row);
}

/** The text of one array of lines, for the spool or for the statement that stores them. Lines of the queue keep theirs for the other one. */
export function storedTexts(lines: readonly QueuedLine[]): string {
  return joined(
    lines.map((line) => {
      line.text ??= storedText(line.number, line.record);
      return line.text;
    }),
  );
}

/** The text of one array of lines from their texts. */
export function joined(texts: readonly string[]): string {
  return `[${texts.join(',')}]`;
}

/** The lines of a text that {@link storedTexts} made. */
export function storedLinesIn(rows: readonly (readonly unknown[])[]): readonly StoredLine[] {
  return rows.map((row) => ({ number: Number(row[NUMBER]), text: JSON.stringify(row) }));
}
