import type { LogRecord } from '@aico/shared/core/logging';
import type { WorkContext } from '@aico/shared/core/tracing';
import { hasWords, wordsOf } from './line-words.ts';

/**
 * The request, trace, plugin and device of a line. A request that the caller passed as a field counts where none is known, as
 * in the guide: `{ request_id: id }`.
 */
export function contextOf({ context, fields }: Pick<LogRecord, 'context' | 'fields'>): WorkContext {
  if (context?.requestId !== undefined) return context;
  const requestId = fields.requestId ?? fields.request_id;
  return typeof requestId === 'string' ? { ...context, requestId } : (context ?? {});
}

/** Whether a line has these words, or beginnings of words: the filter of the table, for lines that are not in its index yet. */
export function hasText(record: LogRecord, text: string): boolean {
  const words = wordsOf(text);
  if (words.length > 0) return hasWords(record, words);
  return record.message.includes(text) || JSON.stringify(record.fields).includes(text);
}
