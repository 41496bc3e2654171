import { printable } from '@aico/protocol';
import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino';
import { lineText } from './line-text.ts';
import type { LogRecord } from './types.ts';

/** How lines of the log are printed. */
export interface ConsoleOptions {
  /** Default `true`. */
  readonly enabled?: boolean;
  /** `auto`: `pretty` where standard error is a terminal, else `json`. Default `auto`. */
  readonly format?: 'auto' | 'pretty' | 'json';
  /** Where lines go. Default: standard error, written synchronously, so that a crash loses none. */
  readonly stream?: DestinationStream;
}

/**
 * Writes lines to the console: one line of text for a person, or one JSON object for a program, written with pino. Control
 * characters are escaped in both. A console that fails (a closed pipe, a full disk) is closed and `onFailure` is called once,
 * since it must not end the process.
 */
export class ConsoleWriter {
  readonly #destination: DestinationStream;
  readonly #onFailure: (error: unknown) => void;
  readonly #pino: PinoLogger | undefined;
  readonly #coloured: boolean;
  /** Of the line that is being written, for pino. */
  #now: LogRecord | undefined;
  #hasFailed = false;

  constructor({ format = 'auto', stream }: ConsoleOptions, onFailure: (error: unknown) => void) {
    const isTerminal = stream === undefined && process.stderr.isTTY;
    this.#onFailure = onFailure;
    this.#destination = stream ?? pino.destination({ dest: 2, sync: true });
    if ('on' in this.#destination && typeof this.#destination.on === 'function')
      this.#destination.on('error', (error: unknown) => this.#fail(error));
    this.#coloured = isTerminal && process.stderr.hasColors();
    if (format === 'json' || (format === 'auto' && !isTerminal)) this.#pino = this.#jsonWriter();
  }

  /** Writes the lines of one component of a service, whose names are serialised once. */
  writerOf(service: string, component: string): (record: LogRecord) => void {
    if (this.#pino === undefined)
      return (record) => this.#write(`${lineText(record, { time: timeOfDay, coloured: this.#coloured })}\n`);
    const child = this.#pino.child({ service, component });
    return (record) => {
      this.#now = record;
      child[record.level](record.fields, record.message);
    };
  }

  #jsonWriter(): PinoLogger {
    return pino(
      {
        level: 'trace',
        base: null,
        nestedKey: 'fields',
        timestamp: () => timeAndContext(this.#now),
        formatters: { level: (label) => ({ level: label }) },
      },
      { write: (line) => this.#write(printable(line, { lines: true })) },
    );
  }

  #write(text: string): void {
    if (this.#hasFailed) return;
    try {
      this.#destination.write(text);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#onFailure(error);
  }
}

/** The part of a JSON line that pino leaves to its caller: time and context. */
function timeAndContext(record: LogRecord | undefined): string {
  const context = record?.context === undefined ? '' : `,"context":${JSON.stringify(record.context)}`;
  return `,"time":${record?.time ?? 0}${context}`;
}

function timeOfDay(time: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const milliseconds = String(time.getMilliseconds()).padStart(3, '0');
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${milliseconds}`;
}
