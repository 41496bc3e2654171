import type { Output } from '@aico/backend/plugin';
import { ask, type LoggedLine, loggedLineOf } from '@aico/client/ask';
import type { LogLevel } from '@aico/shared/core/logging';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { wholeNumber } from '../argument-values.ts';
import { type CommandContext, QUICK_ANSWER_MS } from '../context.ts';
import { gapText } from '../terminal/output.ts';
import { onOneLine, styles } from '../terminal/style.ts';
import { coloured, table } from '../terminal/table.ts';

/** The most lines that the backend returns at once. */
const MOST_LINES = 1_000;

const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

function isLogLevel(value: string): value is LogLevel {
  return LEVELS.some((each) => each === value);
}

interface TailOptions {
  readonly lines: number;
  readonly follow?: boolean;
  readonly service?: string;
  readonly component?: string;
  readonly level?: LogLevel;
  readonly text?: string;
}

export function register(program: Command, context: CommandContext): void {
  const logs = program.command('logs').description('read the log from the encrypted table');
  logs
    .command('tail')
    .description('the newest lines, oldest first')
    .option('-n, --lines <count>', 'how many', wholeNumber(1, MOST_LINES), 50)
    .option('-f, --follow', 'continue with lines as they are logged')
    .option('-s, --service <name>', 'only lines of this service')
    .option('-c, --component <name>', 'only lines of this component')
    .addOption(new Option('-l, --level <level>', 'only lines of this level and above').choices(LEVELS))
    .option('--text <text>', 'only lines with this text in their message')
    .action((options: TailOptions) => tail(context, options));
  logs
    .command('level')
    .description('show or set from which level on lines are kept, until the backend stops')
    .argument('[target]', 'a service, or SERVICE/COMPONENT; or a level, for all that have none of their own')
    .argument('[level]', `${LEVELS.join(', ')}; or default`)
    .action((target?: string, wanted?: string) => level(context, target, wanted));
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

async function tail(context: CommandContext, { lines, follow, ...filter }: TailOptions): Promise<void> {
  const client = await context.client(QUICK_ANSWER_MS);
  const newest = async (limit: number) =>
    (await ask(client, 'get', '/api/v1/logs', { query: { ...filter, limit } })).logs;
  if (follow !== true) {
    for (const record of (await newest(lines)).toReversed()) print(context.output, record);
    return;
  }
  const opened = Promise.withResolvers<void>();
  const events = client.follow(`/api/v1/logs/stream?${new URLSearchParams(Object.entries(filter))}`, {
    reconnect: false,
    onOpen: opened.resolve,
    onGap: (lost) => context.output.note(gapText(lost)),
  });
  // The stream is opened before the table is read, so that no line is missed; a line of both is shown once.
  let next = events.next();
  await Promise.race([opened.promise, next]);
  const stored = await newest(MOST_LINES);
  const shown = new Set(stored.map(identity));
  for (const record of stored.slice(0, lines).toReversed()) print(context.output, record);
  for (let event = await next; event.done !== true; event = await next) {
    next = events.next();
    const line = loggedLineOf(event.value);
    if (!shown.delete(identity(line))) print(context.output, line);
  }
  context.output.note('The backend has stopped.');
}

/** Identifies a line, which has a number only when it comes from the table. */
function identity({ time, level, service, component, message, fields }: LoggedLine): string {
  return JSON.stringify([time, level, service, component, message, fields]);
}

function print(output: Output, record: LoggedLine): void {
  output.print(record, ({ time, level, service, component, message, fields }) => {
    const details = Object.keys(fields).length === 0 ? '' : ` ${styles.dim(JSON.stringify(fields))}`;
    const who = styles.cyan(`${service}/${component}`);
    const line = `${new Date(time).toISOString()} ${coloured(level)} ${who} ${message}${details}`;
    return onOneLine(line);
  });
}
