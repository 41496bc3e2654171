import type { SectionDefinition } from '@aico/shared/core/config';
import { Type } from 'typebox';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/** `core.logging` */
export const loggingSection = {
  path: 'core.logging',
  schema: Type.Object({
    level: Type.Enum([...LEVELS], { default: 'info', description: 'The mildest level that is kept.' }),
    levels: Type.Record(Type.String(), Type.Enum([...LEVELS]), {
      default: {},
      description: 'The levels of single services, and of components (service/component).',
    }),
    retention: Type.Object({
      max_lines: Type.Integer({
        default: 1_000_000,
        minimum: 1_000,
        description: 'Lines kept in the database; beyond that the oldest go.',
      }),
      max_days: Type.Integer({ default: 30, minimum: 1, maximum: 36_500, description: 'Older lines go.' }),
    }),
    console: Type.Object({
      enabled: Type.Boolean({ default: true, description: 'Whether lines are printed (to stderr) as well.' }),
      format: Type.Enum(['auto', 'pretty', 'json'], {
        default: 'auto',
        description: 'auto: pretty on a terminal in development, else json.',
      }),
    }),
  }),
} satisfies SectionDefinition;
