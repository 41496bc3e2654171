import { LEVEL_NUMBERS } from './levels.ts';
import type { LogFields, Logger, LogLevel } from './types.ts';

/** The destination of a logger's lines. */
export interface LogSink {
  /** The number of the lowest level that is wanted. */
  readonly threshold: number;
  write(level: LogLevel, message: string, fields: LogFields | undefined, bound: LogFields | undefined): void;
  /** `fields` as they may be kept: redacted, bounded, copied. */
  sanitise(fields: LogFields): LogFields;
}

/** The logger of one service's component. */
export class ServiceLogger implements Logger {
  readonly #sink: LogSink;
  readonly #bound: LogFields | undefined;

  constructor(sink: LogSink, bound?: LogFields) {
    this.#sink = sink;
    this.#bound = bound;
  }

  trace(message: string, fields?: LogFields): void {
    if (this.#sink.threshold <= 10) this.#sink.write('trace', message, fields, this.#bound);
  }

  debug(message: string, fields?: LogFields): void {
    if (this.#sink.threshold <= 20) this.#sink.write('debug', message, fields, this.#bound);
  }

  info(message: string, fields?: LogFields): void {
    if (this.#sink.threshold <= 30) this.#sink.write('info', message, fields, this.#bound);
  }

  warn(message: string, fields?: LogFields): void {
    if (this.#sink.threshold <= 40) this.#sink.write('warn', message, fields, this.#bound);
  }

  error(message: string, fields?: LogFields): void {
    if (this.#sink.threshold <= 50) this.#sink.write('error', message, fields, this.#bound);
  }

  fatal(message: string, fields?: LogFields): void {
    this.#sink.write('fatal', message, fields, this.#bound);
  }

  child(fields: LogFields): Logger {
    return new ServiceLogger(this.#sink, { ...this.#bound, ...this.#sink.sanitise(fields) });
  }

  isLevelEnabled(level: LogLevel): boolean {
    return LEVEL_NUMBERS[level] >= this.#sink.threshold;
  }
}
