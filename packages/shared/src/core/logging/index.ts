export type { ConsoleOptions } from './console-writer.ts';
export { LogLevelRulesError } from './errors.ts';
export { createInfrastructureLogger, getLogger, installLogging } from './installed.ts';
export { isLogLevel, LEVEL_NUMBERS, type LevelSettings, LogLevels } from './levels.ts';
export type { DroppedLines, LineQueue, QueuedLine, QueueLimits } from './line-queue.ts';
export type { JournalEntry, LineJournal } from './line-spool.ts';
export type { LineTextOptions } from './line-text.ts';
export {
  createLogging,
  type LoggerOptions,
  Logging,
  type LoggingOptions,
  type LoggingStats,
} from './logging.ts';
export type { RedactionRules } from './secret-shapes.ts';
export { linesOfRun } from './spooled-lines.ts';
export { contextOf, joined, type StoredLine, storedText, storedTexts } from './stored-line.ts';
export type { LogFields, Logger, LogLevel, LogRecord } from './types.ts';
