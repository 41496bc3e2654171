import { randomBytes } from 'node:crypto';
import { logTopic } from '../bus/topics/reserved-topics.ts';
import type { MessageBus } from '../bus/types.ts';
import { currentWork, withLineDelivery } from '../tracing/index.ts';
import { type ConsoleOptions, ConsoleWriter } from './console-writer.ts';
import { LEVEL_NUMBERS, LogLevels } from './levels.ts';
import { type DroppedLines, LineQueue, type QueueLimits } from './line-queue.ts';
import { type LineJournal, LineSpool } from './line-spool.ts';
import { Sanitiser } from './sanitiser.ts';
import type { RedactionRules } from './secret-shapes.ts';
import { type LogSink, ServiceLogger } from './service-logger.ts';
import { gapFields } from './spooled-lines.ts';
import type { LogFields, Logger, LogLevel, LogRecord } from './types.ts';

/** How lines of the log are filtered, printed and queued. */
export interface LoggingOptions {
  /** The lowest level that is kept of services without a level of their own. Default `'info'`. */
  readonly level?: LogLevel;
  /** The levels of single services, and of components (`service/component`). */
  readonly levels?: Readonly<Record<string, LogLevel>>;
  /** Default: every rule. */
  readonly redaction?: RedactionRules;
  readonly console?: ConsoleOptions;
  /** Limits of the lines that wait to be stored. Default 262 144 lines, 64 Mi characters. */
  readonly queue?: QueueLimits;
}

/** How the lines of a logger travel. */
export interface LoggerOptions {
  /**
   * Whether its lines are published on the bus. Default `true`. Not so for a logger of the bus itself: a line about a
   * message that could not be delivered would be another such message.
   */
  readonly published?: boolean;
}

/** Counts of the lines. */
export interface LoggingStats {
  /** Lines logged at a level that was wanted. */
  readonly lines: number;
  /** Lines that wait to be stored. */
  readonly waiting: number;
  /** Lines that were dropped, since too many waited. The console had them. */
  readonly dropped: number;
  /** Lines that the bus refused; they are stored nevertheless. */
  readonly refused: number;
}

const DEFAULT_LIMITS: QueueLimits = { lines: 262_144, size: 64 * 1_048_576 };

/** Lines published at once before the bus's answer is awaited. */
const BATCH = 512;

/**
 * The service `'logging'`: prints lines on the console at once, queues them for the log store, and publishes them on the bus
 * as `logs.<service>` for subscribers. Until a bus is attached, lines wait in the queue.
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
  /** The lines that wait to be stored. The log store takes them from it. */
  readonly queue: LineQueue;
  /** The lowest levels that are kept; they may be changed at any time. */
  readonly levels: LogLevels;
  /** Identifies the lines of this instance in its spool and in the store: 32 hexadecimal digits. */
  readonly run = randomBytes(16).toString('hex');
  readonly #sanitiser: Sanitiser;
  /** The services of this process, as {@link alike} writes them. */
  readonly #services = new Set<string>();
  #spool: LineSpool | undefined;
  #bus: Pick<MessageBus, 'publish'> | undefined;
  #lines = 0;
  #refused = 0;
  #publishing: Promise<void> | undefined;
  #closed = false;

  constructor({ level, levels, redaction, console = {}, queue = DEFAULT_LIMITS }: LoggingOptions = {}) {
    this.#sanitiser = new Sanitiser(redaction);
    this.levels = new LogLevels(level, levels);
    if (console.enabled !== false)
      this.#console = new ConsoleWriter(console, (error) => this.#dropConsole(error));
    this.queue = new LineQueue(queue);
    this.queue.onGap((gap) => this.reportGap(gap));
  }

  get stats(): LoggingStats {
    const { length: waiting, dropped } = this.queue;
    return { lines: this.#lines, waiting, dropped, refused: this.#refused };
  }

  /** A logger under a service's name and the name of a part of it. */
  getLogger(service: string, component: string, options: LoggerOptions = {}): Logger {
    return new ServiceLogger(this.sinkOf(service, component, options));
  }

  /** Publishes queued lines in order, and all later ones, on `bus`. The returned function ends that. */
  attach(bus: Pick<MessageBus, 'publish'>): () => void {
    this.#bus = bus;
    this.#publishSoon();
    return () => {
      if (this.#bus === bus) this.#bus = undefined;
    };
  }

  /**
   * Keeps lines in `journal` until they are stored: those that wait, and all later ones. The returned function spools the
   * lines that still wait and ends that.
   */
  spoolTo(journal: LineJournal): () => void {
    const spool = new LineSpool(this.queue, journal, (error) =>
      this.getLogger('logging', 'spool', { published: false }).error(
        'The spool of the log cannot be written: a crash would lose the lines that are not stored',
        { error },
      ),
    );
    this.#spool = spool;
    return () => {
      if (this.#spool !== spool) return;
      this.#spool = undefined;
      spool.close();
    };
  }

  /** Resolves once every line logged so far was published, and may be stored. It does not wait for lines that are logged meanwhile. */
  async flush(): Promise<void> {
    // A round in progress may have begun before the last line was logged.
    await this.#publishing;
    this.#publishSoon();
    await this.#publishing;
  }

  /** Publishes queued lines and releases the bus. Later lines go to the console only. */
  async close(): Promise<void> {
    await this.flush();
    this.#closed = true;
    this.#bus = undefined;
  }

  /** Reserves names of services for this process, as {@link getLogger} does with those of its loggers. */
  reserve(services: Iterable<string>): void {
    for (const service of services) this.#services.add(alike(service));
  }

  /**
   * Redacts these texts in all later lines, wherever they stand; they stay so. Texts of fewer than six characters are left out, since
   * they would be found in harmless text.
   *
   * @example config.onSecrets((values) => logging.hide(values));
   */
  hide(values: Iterable<string>): void {
    this.#sanitiser.hide(values);
  }

  /** Whether a service of this process has this name, or one that differs in case or hyphens only. */
  hasService(name: string): boolean {
    return this.#services.has(alike(name));
  }

  /**
   * Takes a line of another process, and redacts it as if it were logged here. A time that is missing or in the future is replaced by the present. The
   * caller has to know that the line is of the service that it names.
   *
   * @returns a promise when many lines wait to be stored, which resolves when there is room for more
   */
  receive(line: Omit<LogRecord, 'time'> & { readonly time?: number }): Promise<void> | undefined {
    const { level, service, message, fields } = line;
    const sanitiser = this.#sanitiser;
    const component = sanitiser.message(line.component);
    if (LEVEL_NUMBERS[level] < LEVEL_NUMBERS[this.levels.of(service, component)]) return undefined;
    const own = { message: sanitiser.message(message), fields: sanitiser.fields(fields, undefined) };
    const print = this.#console?.writerOf(service, component);
    const now = Date.now();
    const size = sanitiser.size + own.message.length + 64;
    this.#take(
      { ...line, ...own, component, time: Math.min(line.time ?? now, now) },
      size,
      logTopic(service),
      print,
    );
    return this.queue.room;
  }

  /** Takes a line that was logged elsewhere before this existed. @internal */
  adopt(record: LogRecord, size = 256): void {
    const { service, component, message, fields } = record;
    // It was redacted before the secrets of the configuration were known.
    const redacted = {
      message: this.#sanitiser.message(message),
      fields: this.#sanitiser.fields(fields, undefined),
    };
    this.sinkOf(service, component).take({ ...record, ...redacted }, size);
  }

  /** Takes the lines of one component of a service. @internal */
  sinkOf(
    service: string,
    component: string,
    { published = true }: LoggerOptions = {},
  ): LogSink & { take(record: LogRecord, size: number): void } {
    const logging = this;
    const { levels } = this;
    let version = -1;
    let threshold = 0;
    const topic = published ? logTopic(service) : undefined;
    this.#services.add(alike(service));
    const print = this.#console?.writerOf(service, component);
    return {
      get threshold() {
        if (version !== levels.version) {
          version = levels.version;
          threshold = LEVEL_NUMBERS[levels.of(service, component)];
        }
        return threshold;
      },
      sanitise: (fields) => logging.#sanitiser.fields(fields, undefined),
      write(level, message, fields, bound) {
        const sanitiser = logging.#sanitiser;
        const record = recordOf(sanitiser, level, service, component, message, fields, bound);
        this.take(record, sanitiser.size + record.message.length + 64);
      },
      take: (record, size) => logging.#take(record, size, topic, print),
    };
  }

  #take(
    record: LogRecord,
    size: number,
    topic: string | undefined,
    print: ((record: LogRecord) => void) | undefined,
  ): void {
    this.#lines += 1;
    print?.(record);
    if (this.#closed) return;
    const isDelivery = currentWork()?.deliversLines === true;
    const line = this.queue.push(record, isDelivery ? undefined : topic, size);
    this.#spool?.add(line);
    if (this.#publishing === undefined) this.#publishSoon();
  }

  #publishSoon(): void {
    if (this.#bus === undefined) return;
    // Lines of many requests travel together, in the name of none.
    this.#publishing ??= withLineDelivery(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      await this.#publish();
    }).finally(() => {
      this.#publishing = undefined;
      if (this.queue.peekUnreleased(0) !== undefined) this.#publishSoon();
    });
  }

  /** Publishes the lines that were logged before this call. */
  async #publish(): Promise<void> {
    const { queue } = this;
    const { last } = queue;
    while (this.#bus !== undefined) {
      const sent: Promise<void>[] = [];
      let count = 0;
      for (
        let line = queue.peekUnreleased(0);
        line !== undefined && line.number <= last && sent.length < BATCH;
      ) {
        if (line.topic !== undefined) sent.push(this.#bus.publish(line.topic, line.record));
        count += 1;
        line = queue.peekUnreleased(count);
      }
      if (count === 0) break;
      // Released before the bus answers, so that a slow subscriber does not delay storing.
      queue.release(count);
      for (const { status } of await Promise.allSettled(sent)) if (status === 'rejected') this.#refused += 1;
    }
  }

  #dropConsole(error: unknown): void {
    this.getLogger('logging', 'console').warn('The console cannot be written to: lines go to the log alone', {
      error,
    });
  }

  /** Logs that lines are missing: how many, and from when to when. @internal */
  reportGap(gap: DroppedLines): void {
    this.getLogger('logging', 'queue').warn(
      'Log lines were dropped: too many waited to be stored',
      gapFields(gap),
    );
  }
}

/** The name of a service without differences that are easily overlooked: case, and hyphens for underscores. */
function alike(service: string): string {
  return service.toLowerCase().replaceAll('-', '_');
}

/** A line as it is logged now, by the running work. */
export function recordOf(
  sanitiser: Sanitiser,
  level: LogLevel,
  service: string,
  component: string,
  message: string,
  fields: LogFields | undefined,
  bound: LogFields | undefined,
): LogRecord {
  const record = {
    time: Date.now(),
    level,
    service,
    component,
    message: sanitiser.message(message),
    fields: sanitiser.fields(fields, bound),
  };
  const context = currentWork()?.context;
  return context === undefined ? record : { ...record, context };
}

/** Logging for one process; nothing is shared with another instance. */
export function createLogging(options: LoggingOptions = {}): Logging {
  return new Logging(options);
}
