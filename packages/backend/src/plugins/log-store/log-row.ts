import { LEVEL_NUMBERS, type NumberedLine } from '@aico/shared/core/logging';
import { contextOf } from './log-record.ts';

/** Rows as the parameter of a statement that stores them. */
export function joinRows(rows: readonly string[]): string {
  return `[${rows.join(',')}]`;
}

/** A line as a row: a JSON array. */
export function toRow({ number, record }: NumberedLine): string {
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
