import type { Asked } from '@aico/client/ask';
import type { LogLevel } from '@aico/shared/core/logging';
import { type Command, Option } from 'commander';
import { instant, TIMES } from '../argument-values.ts';

export const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

export type Query = NonNullable<Asked<'get', '/api/v1/logs'>['query']>;

/** The options of {@link withFilter}. */
export interface FilterOptions {
  readonly service?: string;
  readonly component?: string;
  readonly level?: LogLevel;
  readonly text?: string;
  readonly request?: string;
  readonly trace?: string;
  readonly plugin?: string;
  readonly device?: string;
  readonly since?: string;
  readonly until?: string;
}

export function withFilter(command: Command): Command {
  return withLines(command).addOption(
    new Option('-l, --level <level>', 'only lines of this level and above').choices(LEVELS),
  );
}

export function withLines(command: Command): Command {
  return command
    .option('-s, --service <name>', 'only lines of this service')
    .option('-c, --component <name>', 'only lines of this component')
    .option('--text <words>', 'only lines with these words, or beginnings of words')
    .option('--request <id>', 'only lines of this request')
    .option('--trace <id>', 'only lines of this trace')
    .option('--plugin <name>', 'only lines that this plugin caused')
    .option('--device <id>', 'only lines that this device caused')
    .option('--since <time>', `only lines from then on: ${TIMES}`, instant)
    .option('--until <time>', 'only earlier lines', instant);
}

export function queryOf({
  request,
  trace,
  service,
  component,
  level,
  text,
  plugin,
  device,
}: FilterOptions): Query {
  return {
    ...(service !== undefined && { service }),
    ...(component !== undefined && { component }),
    ...(level !== undefined && { level }),
    ...(text !== undefined && text !== '' && { text }),
    ...(request !== undefined && { requestId: request }),
    ...(trace !== undefined && { traceId: trace }),
    ...(plugin !== undefined && { plugin }),
    ...(device !== undefined && { device }),
  };
}

export function timesOf({ since, until }: FilterOptions): Query {
  return { ...(since !== undefined && { since }), ...(until !== undefined && { until }) };
}
