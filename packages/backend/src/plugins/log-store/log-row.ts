import { LEVEL_NUMBERS, type NumberedLine } from '@aico/shared/core/logging';
import { contextOf } from './log-record.ts';

/** Lines as the parameter of a statement that stores them: a JSON array of rows. */
export function toRows(lines: readonly NumberedLine[]): string {
  return `[${lines.map(toRow).join(',')}]`;
}

function toRow({ number, record }: NumberedLine): string {
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
