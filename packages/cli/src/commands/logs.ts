import type { Output } from '@aico/backend/plugin';
import { ask, type LoggedLine, loggedLineOf } from '@aico/client/ask';
import { printable } from '@aico/protocol';
import type { LogLevel } from '@aico/shared/core/logging';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { wholeNumber } from '../argument-values.ts';
import { type CommandContext, QUICK_ANSWER_MS } from '../context.ts';
import { UsageError } from '../errors.ts';
import { write, writeBytes } from '../terminal/output.ts';
import { onOneLine, styles } from '../terminal/style.ts';
import { coloured, table } from '../terminal/table.ts';
import { type FilterOptions, LEVELS, queryOf, timesOf, withFilter, withLines } from './logs-filter.ts';
import type { ArchiveOptions, RemoveOptions } from './logs-manage.ts';
import { lineSource, type SourceOptions, withArchive } from './logs-source.ts';

/** The most lines that are kept in memory; `export` has no limit. */
const MOST_LINES = 100_000;

interface ListOptions extends FilterOptions, SourceOptions {
  readonly lines: number;
  readonly pretty?: boolean;
}

interface TailOptions extends ListOptions {
  readonly follow?: boolean;
}

interface ExportOptions extends FilterOptions, SourceOptions {
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
  withArchive(
    logs
      .command('cat')
      .description('one line with all of its fields')
      .argument('<id>', 'its id, as aico logs ls shows it', wholeNumber(1, Number.MAX_SAFE_INTEGER)),
  ).action((id: number, options: SourceOptions) => show(context, id, options));
  withArchive(
    withFilter(logs.command('export').description('all lines, oldest first, as JSON for other programs')),
  )
    .addOption(
      new Option('--format <format>', 'ndjson: a line each; otlp: for collectors of OpenTelemetry')
        .choices(['ndjson', 'otlp'])
        .default('ndjson'),
    )
    .action((options: ExportOptions) => exportLines(context, options));
  withArchive(logs.command('stat').description('how many lines are kept, by service and level')).action(
    async (options: SourceOptions) => (await import('./logs-manage.ts')).stat(context, options),
  );
  withLines(
    logs
      .command('archive')
      .description('write the lines that the filters select to a new file, encrypted with a key of the home')
      .argument('<file>', 'the file on the machine of the backend; an existing file is not replaced'),
  )
    .option('--remove', 'delete these lines from the log once the file is durable')
    .option('--yes', 'do not ask')
    .action(async (file: string, options: ArchiveOptions) =>
      (await import('./logs-manage.ts')).archive(context, file, options),
    );
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
  return withArchive(
    withFilter(command.option('-n, --lines <count>', 'how many', wholeNumber(1, MOST_LINES), 50)).option(
      '--pretty',
      'as text in a pipe too, where it is a JSON object on each line otherwise',
    ),
  );
}

async function tail(context: CommandContext, options: TailOptions): Promise<void> {
  const { lines, follow } = options;
  if (follow === true && options.archive !== undefined)
    throw new UsageError('--follow and --archive are given', 'No lines are added to an archive.');
  const filter = queryOf(options);
  const source = await lineSource(context, options);
  const print = printerFor(context.output, options);
  // Asked for first: the stream begins after it, and the lines that come meanwhile are in the page.
  const [latest] = follow === true ? await source.newest({ limit: 1 }) : [];
  const newest = await source.newest({ ...filter, ...timesOf(options), limit: lines });
  for (const line of newest.toReversed()) print(line);
  if (follow !== true) {
    noteIfNone(context.output, options, newest);
    return;
  }
  const client = await context.client(QUICK_ANSWER_MS);
  const after = Math.max(latest?.id ?? 0, newest[0]?.id ?? 0);
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
  const source = await lineSource(context, options);
  const logs = await source.newest({ ...queryOf(options), ...timesOf(options), limit: options.lines });
  if (isNdjson(context.output, options)) {
    for (const line of logs) write(process.stdout, JSON.stringify(line));
    return;
  }
  noteIfNone(context.output, options, logs);
  if (logs.length === 0) return;
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

async function show(context: CommandContext, id: number, options: SourceOptions): Promise<void> {
  const line = await (await lineSource(context, options)).line(id);
  context.output.print(line, ({ fields, context: about = {}, ...rest }) =>
    [
      ...Object.entries({ ...rest, time: new Date(rest.time).toISOString(), ...about }).map(
        ([name, value]) => `${styles.dim(name.padEnd(10))} ${onOneLine(String(value))}`,
      ),
      JSON.stringify(fields, undefined, 2),
    ].join('\n'),
  );
}

/** Writes all lines that match; each page is written before the next is read. */
async function exportLines(context: CommandContext, options: ExportOptions): Promise<void> {
  const source = await lineSource(context, options);
  const { otlpOf } = await import('./logs-export.ts');
  for await (const page of source.all({ ...queryOf(options), ...timesOf(options) })) {
    if (page.length === 0) continue;
    const rows = options.format === 'otlp' ? [otlpOf(page)] : page;
    // JSON keeps its value, and the terminal is not controlled by it.
    const text = rows.map((row) => `${printable(JSON.stringify(row))}\n`).join('');
    await writeBytes([Buffer.from(text)]);
  }
}

function isNdjson({ json }: Output, { pretty }: ListOptions): boolean {
  return json || (pretty !== true && process.stdout.isTTY !== true);
}

function noteIfNone(output: Output, options: ListOptions, lines: readonly unknown[]): void {
  if (lines.length === 0 && !isNdjson(output, options)) output.note('No line matches.');
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
