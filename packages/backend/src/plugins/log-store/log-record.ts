import { isLogLevel, LEVEL_NUMBERS, type LogRecord } from '@aico/shared/core/logging';
import type { WorkContext } from '@aico/shared/core/tracing';
import { hasWords, wordsOf } from './line-words.ts';
import type { LogFilter } from './log-query.ts';

/** Whether a message on `logs.*` is a log line: any plugin may publish there. */
export function isLogRecord(value: unknown): value is LogRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { time, level, service, component, message, fields }: Partial<Record<keyof LogRecord, unknown>> =
    value;
  return (
    Number.isSafeInteger(time) &&
    isLogLevel(level) &&
    typeof service === 'string' &&
    typeof component === 'string' &&
    typeof message === 'string' &&
    typeof fields === 'object' &&
    fields !== null
  );
}

/**
 * The request, trace, plugin and device of a line. A request that the caller passed as a field counts where none is known, as
 * in the guide: `{ request_id: id }`.
 */
export function contextOf({ context, fields }: Pick<LogRecord, 'context' | 'fields'>): WorkContext {
  if (context?.requestId !== undefined) return context;
  const requestId = fields.requestId ?? fields.request_id;
  return typeof requestId === 'string' ? { ...context, requestId } : (context ?? {});
}

/** Whether a line is one of those that `query` asks for: the filter of the table, for lines on their way. */
export function matchesQuery(record: LogRecord, query: LogFilter): boolean {
  const { service, minLevel, component, text } = query;
  if (service !== undefined && record.service !== service) return false;
  if (minLevel !== undefined && LEVEL_NUMBERS[record.level] < LEVEL_NUMBERS[minLevel]) return false;
  if (component !== undefined && record.component !== component) return false;
  const context = contextOf(record);
  if (CONTEXT.some((name) => query[name] !== undefined && context[name] !== query[name])) return false;
  if (text === undefined || text === '') return true;
  const words = wordsOf(text);
  if (words.length > 0) return hasWords(record, words);
  return record.message.includes(text) || JSON.stringify(record.fields).includes(text);
}

const CONTEXT = ['requestId', 'traceId', 'plugin', 'device'] as const;
