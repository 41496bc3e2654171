import { ask } from '@aico/client/ask';
import type { LogLevel } from '@aico/shared/core/logging';
import { InvalidArgumentError } from 'commander';
import type { CommandContext } from '../context.ts';
import { confirmed } from '../terminal/prompts.ts';
import { styles } from '../terminal/style.ts';
import { table } from '../terminal/table.ts';
import { type FilterOptions, LEVELS, queryOf, timesOf } from './logs-filter.ts';

export interface RemoveOptions extends Omit<FilterOptions, 'level'> {
  readonly yes?: boolean;
}

/** Shows how many lines are kept. */
export async function stat(context: CommandContext): Promise<void> {
  const client = await context.client();
  const reply = await ask(client, 'get', '/api/v1/logs/counts', {});
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
  const { level: _, ...filter } = queryOf(options);
  const query = { ...filter, ...timesOf(options) };
  if (Object.keys(query).length === 0)
    throw new InvalidArgumentError(
      'Say which lines: by a filter, such as --until 30d. --until 0m means all.',
    );
  const which = Object.entries(query).map(([name, value]) => `${name} ${value}`);
  if (!(await confirmed(`Delete all lines of ${which.join(', ')}?`, { ...(yes !== undefined && { yes }) })))
    return;
  const client = await context.client();
  const reply = await ask(client, 'delete', '/api/v1/logs', { query });
  context.output.print(reply, ({ deleted }) => `${deleted} lines were deleted.`);
}
