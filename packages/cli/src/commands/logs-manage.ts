import { ask } from '@aico/client/ask';
import { counted } from '@aico/protocol';
import type { LogLevel } from '@aico/shared/core/logging';
import { InvalidArgumentError } from 'commander';
import { pathArgument } from '../argument-values.ts';
import type { CommandContext } from '../context.ts';
import { confirmed } from '../terminal/prompts.ts';
import { styles } from '../terminal/style.ts';
import { table } from '../terminal/table.ts';
import { type FilterOptions, LEVELS, type Query, queryOf, timesOf } from './logs-filter.ts';
import { lineSource, type SourceOptions } from './logs-source.ts';

/** Milliseconds that an archive of many lines may take. */
const ARCHIVE_MS = 3_600_000;

export interface RemoveOptions extends Omit<FilterOptions, 'level'> {
  readonly yes?: boolean;
}

export interface ArchiveOptions extends RemoveOptions {
  readonly remove?: boolean;
}

/** Shows how many lines are kept. */
export async function stat(context: CommandContext, options: SourceOptions): Promise<void> {
  const reply = await (await lineSource(context, options)).counts();
  context.output.print(reply, ({ counts, oldest, newest }) => {
    const services = [...new Set(counts.map(({ service }) => service))];
    const linesOf = (service: string | undefined, severity?: LogLevel): number =>
      counts
        .filter(
          (each) => (service ?? each.service) === each.service && (severity ?? each.level) === each.level,
        )
        .reduce((sum, { lines }) => sum + lines, 0);
    const row = (title: string, service: string | undefined) => [
      title,
      linesOf(service),
      ...LEVELS.map((severity) => linesOf(service, severity)),
    ];
    const times = [oldest, newest].map((time) => (time === undefined ? '' : new Date(time).toISOString()));
    return [
      table(
        ['service', 'lines', ...LEVELS],
        [...services.map((service) => row(service, service)), row('all', undefined)],
      ),
      ...(oldest === undefined ? [] : [styles.dim(times.join(' to '))]),
    ].join('\n');
  });
}

/** Deletes lines. */
export async function remove(context: CommandContext, { yes, ...options }: RemoveOptions): Promise<void> {
  const query = selectionOf(options);
  if (!(await confirmed(`Delete all lines of ${described(query)}?`, { ...(yes !== undefined && { yes }) })))
    return;
  const client = await context.client();
  const reply = await ask(client, 'delete', '/api/v1/logs', { query });
  context.output.print(reply, ({ deleted }) => `${counted(deleted, 'line')} deleted`);
}

/** Writes lines to an encrypted file. */
export async function archive(
  context: CommandContext,
  file: string,
  { yes, remove: isRemoved = false, ...options }: ArchiveOptions,
): Promise<void> {
  const selection = isRemoved ? selectionOf(options) : { ...queryOf(options), ...timesOf(options) };
  const target = pathArgument(file);
  const question = `Write all lines of ${described(selection)} to ${target}, and delete them from the log?`;
  if (isRemoved && !(await confirmed(question, { ...(yes !== undefined && { yes }) }))) return;
  const body = { ...selection, file: target, remove: isRemoved };
  const reply = await ask(await context.client(ARCHIVE_MS), 'post', '/api/v1/logs/archive', { body });
  context.output.print(reply, ({ lines, removed }) =>
    lines === 0
      ? 'No line matches; no file was written.'
      : [
          target,
          `${counted(lines, 'line')}, encrypted with a key of this home${isRemoved ? `; ${removed} deleted from the log` : ''}`,
          `It is read by \`aico logs tail|ls|grep|cat|stat|export --archive FILE\`, also after a change of the password or of the database key.`,
        ].join('\n'),
  );
}

/** @throws {InvalidArgumentError} without a filter */
function selectionOf(options: Omit<FilterOptions, 'level'>): Query {
  const selection = { ...queryOf(options), ...timesOf(options) };
  if (Object.keys(selection).length === 0)
    throw new InvalidArgumentError(
      'Say which lines: by a filter, such as --until 30d. --until 0m means all.',
    );
  return selection;
}

function described(selection: Query): string {
  return Object.entries(selection)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}
