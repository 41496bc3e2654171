import type { Asked } from '@aico/client/page';

type Query = NonNullable<Asked<'get', '/api/v1/logs'>['query']>;

/** The filters of the log, which the address of the pane carries. */
export const FILTERS = [
  'level',
  'service',
  'component',
  'text',
  'requestId',
  'traceId',
  'plugin',
  'device',
] as const;

export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

export type Filter = Pick<Query, (typeof FILTERS)[number]>;

const isLevel = (value: string): value is (typeof LEVELS)[number] =>
  (LEVELS as readonly string[]).includes(value);

/** The filter in the parameters of an address; an unknown level is left out. */
export function filterFrom(parameters: URLSearchParams): Filter {
  const filter: Filter = {};
  for (const name of FILTERS) {
    const value = parameters.get(name);
    if (value === null || value === '') continue;
    if (name !== 'level') filter[name] = value;
    else if (isLevel(value)) filter.level = value;
  }
  return filter;
}
