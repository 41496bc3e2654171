import { createRequire } from 'node:module';
import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino';
import type { LogRecord } from './types.ts';

export interface ConsoleOptions {
  /** Default `true`. */
  readonly enabled?: boolean;
  /** `auto`: pretty when the stream is a terminal. Default `auto`. */
  readonly format?: 'auto' | 'pretty' | 'json';
  /** Where lines go. Default: standard error, written synchronously, so that a crash loses none. */
  readonly stream?: DestinationStream;
}

/** Writes lines for people, or for whatever collects a service's output, with pino. */
export class ConsoleWriter {
  readonly #pino: PinoLogger;
  readonly #pretty: boolean;
  #time = 0;

  constructor({ format = 'auto', stream }: ConsoleOptions) {
    this.#pretty = format === 'pretty' || (format === 'auto' && stream === undefined && process.stderr.isTTY);
    this.#pino = pino(
      {
        level: 'trace',
        base: null,
        nestedKey: 'fields',
        timestamp: () => `,"time":${this.#time}`,
        formatters: { level: (label) => ({ level: label }) },
      },
      this.#pretty ? prettyStream(stream) : (stream ?? pino.destination({ dest: 2, sync: true })),
    );
  }

  /** The writer of one service's component: its names are written out once. */
  writerOf(service: string, component: string): (record: LogRecord) => void {
    const child = this.#pino.child({ service, component });
    return (record) => {
      this.#time = record.time;
      const message = this.#pretty ? visible(record.message) : record.message;
      child[record.level](record.fields, message);
    };
  }

  flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pino.flush((error) => (error === undefined || error === null ? resolve() : reject(error)));
    });
  }
}

/** Loaded only when wanted: a service in the background never needs it. */
function prettyStream(destination: DestinationStream | undefined): DestinationStream {
  const pretty = createRequire(import.meta.url)('pino-pretty') as typeof import('pino-pretty');
  return pretty({
    colorize: destination === undefined && process.stderr.isTTY,
    destination: destination === undefined ? 2 : destination,
    sync: true,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'service,component',
    messageFormat: '{service}/{component}: {msg}',
  });
}

/** A message can neither move the cursor nor pretend to be another line. */
function visible(message: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return message.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) =>
    JSON.stringify(character).slice(1, -1),
  );
}
