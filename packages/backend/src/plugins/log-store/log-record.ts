import { contextOf, LEVEL_NUMBERS, type LogRecord } from '@aico/shared/core/logging';
import { hasWords, wordsOf } from './line-words.ts';
import type { LogQuery } from './log-query.ts';

/** Whether a line has these words, or beginnings of words: the filter of the table, for lines that are not in its index yet. */
export function hasText(record: LogRecord, text: string): boolean {
  const words = wordsOf(text);
  if (words.length > 0) return hasWords(record, words);
  return record.message.includes(text) || JSON.stringify(record.fields).includes(text);
}

/** Whether a line meets a query, but for its ids and its limit: the filter of the table, for lines that are elsewhere. */
export function isSelected(
  line: LogRecord,
  { service, component, minLevel = 'trace', text = '', since, until, ...about }: LogQuery,
): boolean {
  const context = contextOf(line);
  return (
    (service ?? line.service) === line.service &&
    (component ?? line.component) === line.component &&
    LEVEL_NUMBERS[line.level] >= LEVEL_NUMBERS[minLevel] &&
    (since ?? line.time) <= line.time &&
    (until === undefined || line.time < until) &&
    (['requestId', 'traceId', 'plugin', 'device'] as const).every(
      (name) => about[name] === undefined || about[name] === context[name],
    ) &&
    hasText(line, text)
  );
}
