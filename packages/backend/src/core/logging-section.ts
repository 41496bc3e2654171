import type { SectionDefinition } from '@aico/shared/core/config';
import { Type } from 'typebox';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

const Rule = (description: string) => Type.Boolean({ default: true, description });

/** The purpose of the key of the log's spool. */
export const SPOOL_PURPOSE = 'logs/spool';

/** `core.logging` */
export const loggingSection = {
  path: 'core.logging',
  schema: Type.Object({
    level: Type.Enum([...LEVELS], { default: 'info', description: 'The lowest level that is kept.' }),
    levels: Type.Record(Type.String(), Type.Enum([...LEVELS]), {
      default: {},
      description: 'The levels of single services, and of components (service/component).',
    }),
    redaction: Type.Object(
      {
        names: Rule('Values of fields whose names say that they are secret, at any depth.'),
        tokens: Rule('Tokens that are known by their form, and Bearer and Basic credentials.'),
        assignments: Rule('The values of password=… and "token":"…", and passwords in URLs, within a text.'),
        private_keys: Rule('Blocks of PEM that hold a private key.'),
        cards: Rule('Numbers of payment cards.'),
      },
      { description: 'The rules by which secrets are taken out of lines.' },
    ),
    retention: Type.Object({
      max_lines: Type.Integer({
        default: 1_000_000,
        minimum: 1_000,
        description: 'Lines kept in the database; beyond that the oldest go.',
      }),
      max_mib: Type.Integer({
        default: 1_024,
        minimum: 1,
        description: 'MiB of messages and fields kept; beyond that the oldest lines go.',
      }),
      max_days: Type.Integer({ default: 30, minimum: 1, maximum: 36_500, description: 'Older lines go.' }),
      archive: Type.Optional(
        Type.String({
          pattern: '^(?:/|[A-Za-z]:)',
          description:
            'The full path of a folder: lines are written to an encrypted file in it before they go. Without it they just go.',
        }),
      ),
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
