export type { ConsoleOptions } from './console-writer.ts';
export { createInfrastructureLogger, getLogger, installLogging } from './installed.ts';
export { isLogLevel, LEVEL_NUMBERS } from './levels.ts';
export type { BufferLimits } from './line-buffer.ts';
export type { LineTextOptions } from './line-text.ts';
export { createLogging, Logging, type LoggingOptions, type LoggingStats } from './logging.ts';
export type { LogFields, Logger, LogLevel, LogRecord } from './types.ts';
