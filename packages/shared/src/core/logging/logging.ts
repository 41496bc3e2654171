import { topicSegment } from '@aico/protocol';
import type { MessageBus } from '../bus/types.ts';
import { currentTraceId, withTraceparent } from '../tracing/index.ts';
import { type ConsoleOptions, ConsoleWriter } from './console-writer.ts';
import { LEVEL_NUMBERS } from './levels.ts';
import { type BufferLimits, LineBuffer } from './line-buffer.ts';
import { Sanitiser } from './sanitiser.ts';
import { type LogSink, ServiceLogger } from './service-logger.ts';
import type { LogFields, Logger, LogLevel, LogRecord } from './types.ts';

export interface LoggingOptions {
  /** The mildest level that is kept. Default `'info'`. */
  readonly level?: LogLevel;
  readonly console?: ConsoleOptions;
  /** What may wait for the bus to be attached. Default 1 000 lines, 1 MiB. */
  readonly bootBuffer?: BufferLimits;
}

/** What became of the lines: `lines` = `published` + `dropped` + `buffered` + those of local services. */
export interface LoggingStats {
  /** Lines logged at a level that was wanted. */
  readonly lines: number;
  /** Taken by the bus. */
  readonly published: number;
  /** Not taken by the bus: it refused them, or too many waited. The console had them. */
  readonly dropped: number;
  /** Wait for the bus. */
  readonly buffered: number;
}

/** What may wait while the bus is attached: a burst within one turn of the event loop. */
const ATTACHED_LIMITS: BufferLimits = { lines: 65_536, size: 32 * 1_048_576 };
const BOOT_LIMITS: BufferLimits = { lines: 1_000, size: 1_048_576 };

/** Lines handed to the bus at once before its answer is awaited. */
const BATCH = 512;

/** Whose lines never go over the bus: each would cause the next. They go to the console alone. */
const LOCAL_SERVICES: ReadonlySet<string> = new Set(['message_bus', 'log_store']);

/**
 * The service `'logging'`: lines go to the console at once, and over the bus as `logs.<service>` to whoever keeps
 * them. Until a bus is attached they wait, oldest dropped first.
 *
 * Not here yet: a spool through which lines of `warn` and above survive the death of the process before the store
 * has them. Its place is where a line is buffered (`#buffer`), and where the bus has taken it (`#pump`).
 *
 * @example
 * ```ts
 * const logging = createLogging({ level: 'debug' });
 * logging.getLogger('inbox', 'import').info('Imported', { messages: 12 });
 * logging.attach(bus);
 * ```
 */
export class Logging {
  readonly #console: ConsoleWriter | undefined;
  readonly #buffer: LineBuffer;
  readonly #sanitiser = new Sanitiser();
  readonly #bootLimits: BufferLimits;
  #threshold: number;
  #level: LogLevel;
  #bus: Pick<MessageBus, 'publish'> | undefined;
  #lines = 0;
  #published = 0;
  #refused = 0;
  #reported = 0;
  #pumping: Promise<void> | undefined;
  #closed = false;

  constructor({ level = 'info', console = {}, bootBuffer = BOOT_LIMITS }: LoggingOptions = {}) {
    this.#level = level;
    this.#threshold = LEVEL_NUMBERS[level];
    if (console.enabled !== false)
      this.#console = new ConsoleWriter(console, (error) => this.#dropConsole(error));
    this.#bootLimits = bootBuffer;
    this.#buffer = new LineBuffer(bootBuffer);
  }

  /** The mildest level that is kept; may be changed at any time, for all loggers. */
  get level(): LogLevel {
    return this.#level;
  }

  set level(level: LogLevel) {
    this.#level = level;
    this.#threshold = LEVEL_NUMBERS[level];
  }

  get stats(): LoggingStats {
    return {
      lines: this.#lines,
      published: this.#published,
      dropped: this.#refused + this.#buffer.dropped,
      buffered: this.#buffer.length,
    };
  }

  /** A logger under a service's name and the name of a part of it. Lines of the bus and the log store stay local. */
  getLogger(service: string, component: string): Logger {
    return new ServiceLogger(this.#sinkOf(service, component));
  }

  /** Sends what has waited, in order, and everything from now on, over `bus`. The returned function ends that. */
  attach(bus: Pick<MessageBus, 'publish'>): () => void {
    this.#bus = bus;
    this.#buffer.limits = ATTACHED_LIMITS;
    this.#startPump();
    return () => {
      if (this.#bus !== bus) return;
      this.#bus = undefined;
      this.#buffer.limits = this.#bootLimits;
    };
  }

  /** Resolves once the bus has every line logged so far. */
  async flush(): Promise<void> {
    if (this.#bus !== undefined && this.#buffer.length > 0) this.#startPump();
    await this.#pumping;
  }

  /** Flushes and lets go of the bus. Lines after that go to the console alone. */
  async close(): Promise<void> {
    await this.flush();
    this.#closed = true;
    this.#bus = undefined;
  }

  /** Takes a line that was logged elsewhere before this existed. @internal */
  adopt(record: LogRecord): void {
    this.#sinkOf(record.service, record.component).take(record, 256);
  }

  #sinkOf(service: string, component: string): LogSink & { take(record: LogRecord, size: number): void } {
    const logging = this;
    const topic = `logs.${topicSegment(service)}`;
    const local = LOCAL_SERVICES.has(service);
    const print = this.#console?.writerOf(service, component);
    return {
      get threshold() {
        return logging.#threshold;
      },
      sanitise: (fields) => logging.#sanitiser.fields(fields, undefined),
      write(level, message, fields, bound) {
        const sanitiser = logging.#sanitiser;
        const traceId = currentTraceId();
        const own = traceId === undefined ? bound : { ...bound, traceId };
        const record: LogRecord = {
          time: Date.now(),
          level,
          service,
          component,
          message: sanitiser.message(message),
          fields: sanitiser.fields(fields, own),
        };
        this.take(record, sanitiser.size + record.message.length + 64);
      },
      take(record, size) {
        logging.#lines += 1;
        print?.(record);
        if (local || logging.#closed) return;
        logging.#buffer.push({ topic, record, size });
        if (logging.#bus !== undefined && logging.#pumping === undefined) logging.#startPump();
      },
    };
  }

  #startPump(): void {
    // Lines of many traces travel together, in none.
    this.#pumping ??= withTraceparent(undefined, () => new Promise<void>((resolve) => setImmediate(resolve)))
      .then(() => withTraceparent(undefined, () => this.#pump()))
      .finally(() => {
        this.#pumping = undefined;
      });
  }

  async #pump(): Promise<void> {
    while (this.#bus !== undefined && this.#buffer.length > 0) {
      this.#reportDrops();
      const sent: Promise<void>[] = [];
      while (sent.length < BATCH) {
        const line = this.#buffer.shift();
        if (line === undefined) break;
        sent.push(this.#bus.publish(line.topic, line.record));
      }
      for (const outcome of await Promise.allSettled(sent)) {
        if (outcome.status === 'fulfilled') this.#published += 1;
        else this.#refused += 1;
      }
    }
  }

  #dropConsole(error: unknown): void {
    this.getLogger('logging', 'console').warn('The console cannot be written to: lines go to the log alone', {
      error,
    });
  }

  /** A gap in the log is itself logged. */
  #reportDrops(): void {
    const dropped = this.#buffer.dropped + this.#refused;
    if (dropped === this.#reported) return;
    const fields: LogFields = { dropped: dropped - this.#reported };
    this.#reported = dropped;
    this.getLogger('logging', 'buffer').warn('Log lines were dropped before the bus had them', fields);
  }
}

/** Logging for one process; nothing is shared with another instance. */
export function createLogging(options: LoggingOptions = {}): Logging {
  return new Logging(options);
}
