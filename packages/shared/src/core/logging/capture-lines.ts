import { MessageBusClient } from '../bus/index.ts';
import { createLogging, type Logging, type LogRecord } from './index.ts';

export interface Line {
  readonly [name: string]: unknown;
  readonly fields?: Record<string, unknown>;
}

/** Logging whose console is kept: its text, and what a program reads of JSON. */
export function captured(
  level: 'trace' | 'info' | 'warn' = 'info',
  format: 'pretty' | 'json' = 'json',
): {
  logging: Logging;
  chunks: readonly string[];
  lines: () => Line[];
} {
  const chunks: string[] = [];
  const stream = { write: (text: string) => void chunks.push(text) };
  return {
    logging: createLogging({ level, console: { format, stream } }),
    chunks,
    lines: () => chunks.map((text) => JSON.parse(text) as Line),
  };
}

/** A bus, and the lines that went over it. */
export async function listening(): Promise<{
  bus: MessageBusClient;
  topics: string[];
  records: LogRecord[];
}> {
  const bus = new MessageBusClient({ source: 'test', owns: ['logging'] });
  await bus.connect();
  const topics: string[] = [];
  const records: LogRecord[] = [];
  await bus.subscribe(
    'logs.*',
    (topic, record) => {
      topics.push(topic);
      records.push(record as LogRecord);
    },
    { queueLimit: 100_000 },
  );
  return { bus, topics, records };
}

/** Logs `fields` and returns what came out. */
export function through(fields: Record<string, unknown>): Record<string, unknown> {
  const { logging, lines } = captured();
  logging.getLogger('s', 'c').info('m', fields);
  return lines()[0]?.fields ?? {};
}
