import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { LogRecord } from '@aico/shared/core/logging';
import { type Command, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import type { CommandContext } from '../context.ts';
import { coloured, type Output } from '../output.ts';

interface TailOptions {
  readonly lines: number;
  readonly follow?: boolean;
  readonly service?: string;
  readonly component?: string;
  readonly level?: string;
  readonly text?: string;
}

export function register(program: Command, context: CommandContext): void {
  const logs = program.command('logs').description('read the log from the encrypted table');
  logs
    .command('tail')
    .description('the newest lines, oldest first')
    .option('-n, --lines <count>', 'how many', count, 50)
    .option('-f, --follow', 'go on with lines as they are logged')
    .option('-s, --service <name>', 'of one service')
    .option('-c, --component <name>', 'of one component')
    .option('-l, --level <level>', 'this level and above: trace, debug, info, warn, error, fatal')
    .option('--text <text>', 'that have this text in their message')
    .action((options: TailOptions) => tail(context, options));
}

async function tail(context: CommandContext, { lines, follow, ...filter }: TailOptions): Promise<void> {
  const client = await context.client();
  const query = new URLSearchParams(Object.entries(filter));
  const answer = await client.json(`/api/v1/logs?${query}&limit=${lines}`);
  const { logs } = answer as { logs: readonly LogRecord[] };
  for (const record of logs.toReversed()) print(context.output, record);
  if (follow !== true) return;
  const response = await client.fetch(`/api/v1/logs/stream?${query}`);
  if (response.body === null) return;
  const stream = createInterface({ input: Readable.fromWeb(response.body), crlfDelay: Infinity });
  let event = '';
  for await (const line of stream) {
    if (line.startsWith('event: ')) event = line.slice('event: '.length);
    else if (line.startsWith('data: ')) {
      const value: unknown = JSON.parse(line.slice('data: '.length));
      if (event === 'log') print(context.output, value as LogRecord);
      else context.output.note(`(${JSON.stringify(value)})`);
    }
  }
}

function print(output: Output, record: LogRecord): void {
  output.print(record, ({ time, level, service, component, message, fields }) => {
    const details = Object.keys(fields).length === 0 ? '' : ` ${pc.dim(JSON.stringify(fields))}`;
    const who = pc.cyan(`${service}/${component}`);
    return `${new Date(time).toISOString()} ${coloured(level)} ${who} ${message}${details}`;
  });
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 1_000)
    throw new InvalidArgumentError('A number from 1 to 1000.');
  return value;
}
