import type { Output } from '@aico/backend/plugin';
import { ask, type LoggedLine, loggedLineOf, type ReplyOf } from '@aico/client/ask';
import type { LogLevel } from '@aico/shared/core/logging';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { wholeNumber } from '../argument-values.ts';
import { type CommandContext, QUICK_ANSWER_MS } from '../context.ts';
import { write, writeBytes } from '../terminal/output.ts';
import { onOneLine, styles } from '../terminal/style.ts';
import { coloured, table } from '../terminal/table.ts';
import { type FilterOptions, LEVELS, queryOf, timesOf, withFilter, withLines } from './logs-filter.ts';
import type { RemoveOptions } from './logs-manage.ts';

/** The most lines that the backend returns at once. */
const MOST_LINES = 1_000;

type StoredLine = ReplyOf<'get', '/api/v1/logs'>['logs'][number];

interface ListOptions extends FilterOptions {
  readonly lines: number;
  readonly pretty?: boolean;
}

interface TailOptions extends ListOptions {
  readonly follow?: boolean;
}

interface ExportOptions extends FilterOptions {
  readonly format: 'ndjson' | 'otlp';
}

export function register(program: Command, context: CommandContext): void {
  const logs = program.command('logs').description('read the log from the encrypted table');
  withList(logs.command('tail').description('the newest lines, oldest first'))
    .option('-f, --follow', 'continue with lines as they are stored, also after a restart of the backend')
    .action((options: TailOptions) => tail(context, options));
  withList(logs.command('ls').description('the newest lines with their ids, as a table')).action(
    (options: ListOptions) => list(context, options),
  );
  withList(logs.command('grep').description('the newest lines with these words, oldest first'))
    .argument('<words...>', 'each begins a word of the message, or of a name or value of the fields')
    .action((words: string[], options: ListOptions) =>
      tail(context, { ...options, text: [options.text ?? '', ...words].join(' ').trim() }),
    );
  logs
    .command('cat')
    .description('one line with all of its fields')
    .argument('<id>', 'its id, as aico logs ls shows it', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .action((id: number) => show(context, id));
  withFilter(logs.command('export').description('all lines, oldest first, as JSON for other programs'))
    .addOption(
      new Option('--format <format>', 'ndjson: a line each; otlp: for collectors of OpenTelemetry')
        .choices(['ndjson', 'otlp'])
        .default('ndjson'),
    )
    .action((options: ExportOptions) => exportLines(context, options));
  logs
    .command('stat')
    .description('how many lines are kept, by service and level')
    .action(async () => (await import('./logs-manage.ts')).stat(context));
  withLines(logs.command('rm').description('delete the lines that the filters select'))
    .option('--yes', 'do not ask')
    .action(async (options: RemoveOptions) => (await import('./logs-manage.ts')).remove(context, options));
  logs
    .command('level')
    .description('show or set from which level on lines are kept, until the backend stops')
    .argument('[target]', 'a service, or SERVICE/COMPONENT; or a level, for all that have none of their own')
    .argument('[level]', `${LEVELS.join(', ')}; or default`)
    .action((target?: string, wanted?: string) => level(context, target, wanted));
}

function withList(command: Command): Command {
  return withFilter(command.option('-n, --lines <count>', 'how many', wholeNumber(1, MOST_LINES), 50)).option(
    '--pretty',
    'as text in a pipe too, where it is a JSON object on each line otherwise',
  );
}

async function tail(context: CommandContext, options: TailOptions): Promise<void> {
  const { lines, follow } = options;
  const filter = queryOf(options);
  const client = await context.client(QUICK_ANSWER_MS);
  const print = printerFor(context.output, options);
  const query = { ...filter, ...timesOf(options), limit: lines };
  // Asked for first: the stream begins after it, and the lines that come meanwhile are in the page.
  const [latest] =
    follow === true ? (await ask(client, 'get', '/api/v1/logs', { query: { limit: 1 } })).logs : [];
  const { logs } = await ask(client, 'get', '/api/v1/logs', { query });
  for (const line of logs.toReversed()) print(line);
  if (follow !== true) return;
  const after = Math.max(latest?.id ?? 0, logs[0]?.id ?? 0);
  const wanted = new URLSearchParams({ after: String(after) });
  for (const [name, value] of Object.entries(filter)) wanted.set(name, String(value));
  let isBroken = false;
  const events = client.follow(`/api/v1/logs/stream?${wanted}`, {
    onOpen: () => {
      isBroken = false;
    },
    onRetry: () => {
      if (!isBroken)
        context.output.note('The backend cannot be reached. Its lines are shown once it is back.');
      isBroken = true;
    },
  });
  for await (const event of events) print(loggedLineOf(event));
}

async function list(context: CommandContext, options: ListOptions): Promise<void> {
  const client = await context.client(QUICK_ANSWER_MS);
  const query = { ...queryOf(options), ...timesOf(options), limit: options.lines };
  const { logs } = await ask(client, 'get', '/api/v1/logs', { query });
  if (isNdjson(context.output, options)) {
    for (const line of logs) write(process.stdout, JSON.stringify(line));
    return;
  }
  context.output.print(logs, () =>
    table(
      ['id', 'time', 'level', 'service', 'message'],
      logs.map(({ id, time, level: severity, service, component, message }) => [
        id,
        styles.dim(new Date(time).toISOString()),
        coloured(severity),
        styles.cyan(onOneLine(`${service}/${component}`)),
        message.length > MESSAGE_WIDTH ? `${message.slice(0, MESSAGE_WIDTH - 1)}…` : message,
      ]),
    ),
  );
}

const MESSAGE_WIDTH = 100;

async function show(context: CommandContext, id: number): Promise<void> {
  const client = await context.client(QUICK_ANSWER_MS);
  const line: StoredLine = await ask(client, 'get', '/api/v1/logs/{id}', { path: { id } });
  context.output.print(line, ({ fields, context: about = {}, ...rest }) =>
    [
      ...Object.entries({ ...rest, time: new Date(rest.time).toISOString(), ...about }).map(
        ([name, value]) => `${styles.dim(name.padEnd(10))} ${onOneLine(String(value))}`,
      ),
      JSON.stringify(fields, undefined, 2),
    ].join('\n'),
  );
}

/** Pages through all lines that match; each page is written before the next is asked for. */
async function exportLines(context: CommandContext, options: ExportOptions): Promise<void> {
  const client = await context.client();
  const { otlpOf } = await import('./logs-export.ts');
  const filter = { ...queryOf(options), ...timesOf(options), first: 'oldest', limit: MOST_LINES } as const;
  for (let after = 0; ; ) {
    const { logs } = await ask(client, 'get', '/api/v1/logs', { query: { ...filter, after } });
    const last = logs.at(-1);
    if (last === undefined) return;
    after = last.id;
    const rows = options.format === 'otlp' ? [otlpOf(logs)] : logs;
    await writeBytes([Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))]);
  }
}

function isNdjson({ json }: Output, { pretty }: ListOptions): boolean {
  return json || (pretty !== true && process.stdout.isTTY !== true);
}

function printerFor(output: Output, options: ListOptions): (line: LoggedLine) => void {
  if (isNdjson(output, options)) return (line) => write(process.stdout, JSON.stringify(line));
  return (line) => output.print(line, textOf);
}

function textOf({ time, level, service, component, message, fields }: LoggedLine): string {
  const details = Object.keys(fields).length === 0 ? '' : ` ${styles.dim(JSON.stringify(fields))}`;
  const who = styles.cyan(`${service}/${component}`);
  return onOneLine(`${new Date(time).toISOString()} ${coloured(level)} ${who} ${message}${details}`);
}

async function level(context: CommandContext, target?: string, wanted?: string): Promise<void> {
  const change = levelChange(target, wanted);
  const client = await context.client(QUICK_ANSWER_MS);
  const levels =
    change === undefined
      ? await ask(client, 'get', '/api/v1/logs/levels', {})
      : await ask(client, 'put', '/api/v1/logs/levels', { body: change });
  const shown = wanted === undefined && change === undefined ? target : undefined;
  context.output.print(levels, ({ default: others, rules }) => {
    if (shown !== undefined) return coloured(rules[shown] ?? rules[shown.split('/')[0] ?? ''] ?? others);
    const rows = [...Object.entries(rules), ['everything else', others] as const];
    return table(
      ['service', 'level'],
      rows.map(([name, each]) => [name, coloured(each)]),
    );
  });
}

function levelChange(
  target: string | undefined,
  wanted: string | undefined,
): { target?: string; level: LogLevel | null } | undefined {
  if (target !== undefined && wanted === undefined) return isLogLevel(target) ? { level: target } : undefined;
  if (target === undefined || wanted === undefined) return undefined;
  if (wanted === 'default') return { target, level: null };
  if (isLogLevel(wanted)) return { target, level: wanted };
  throw new InvalidArgumentError(`"${wanted}" is not a level: ${LEVELS.join(', ')} or default.`);
}

function isLogLevel(value: string): value is LogLevel {
  return LEVELS.some((each) => each === value);
}
