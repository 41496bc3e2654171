import type { WorkContext } from '../tracing/index.ts';

/** Severities, lowest first. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** Structured details of a line. Values of sensitive field names, and `Secret` values, are redacted. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * A structured logger: message first, details second.
 *
 * @example logger.info('Processing request', { requestId, eventType: 'request_processing' });
 */
export interface Logger {
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  fatal(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Logger;
  isLevelEnabled(level: LogLevel): boolean;
}

/** One line as it travels over the bus (topic `logs.<service>`) and is stored. */
export interface LogRecord {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly level: LogLevel;
  readonly service: string;
  readonly component: string;
  readonly message: string;
  readonly fields: LogFields;
  /** The request, trace, plugin and device that it was logged for. Its caller does not pass it. */
  readonly context?: WorkContext;
}
