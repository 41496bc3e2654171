import { SecretString, type SectionDefinition } from '@aico/shared/core/config';
import { type TObject, Type } from 'typebox';
import { messageBusSection } from '../bus/config.ts';
import { channelSection } from '../channel/channel-config.ts';
import { loggingSection } from '../core/logging-section.ts';
import { devicesSection } from '../devices/roles.ts';
import { gatewayConfig } from '../gateway/config.ts';

/** `core.api_gateway` */
export const gatewaySection = {
  path: 'core.api_gateway',
  schema: gatewayConfig,
} satisfies SectionDefinition;

/** `core.database` */
export const databaseSection = {
  path: 'core.database',
  schema: Type.Object({
    url: Type.Optional(
      SecretString({
        description:
          'postgres://USER:PASSWORD@HOST/DATABASE keeps the database on a PostgreSQL server. Best given as an environment variable.',
      }),
    ),
    connections: Type.Integer({
      default: 10,
      minimum: 2,
      maximum: 500,
      description: 'Transactions and streams that may be open on the PostgreSQL server at once.',
    }),
    cipher: Type.Enum(['aegis', 'sqlcipher'], {
      default: 'aegis',
      description:
        'sqlcipher: version 4, for opening the file with other tools. Fixed when the database is made.',
    }),
    keyring_witness: Type.Boolean({
      default: true,
      description:
        'Keeps the count of commits in the keyring of the operating system too, where there is one.',
    }),
  }),
} satisfies SectionDefinition;

/** `core.security` */
export const securitySection = {
  path: 'core.security',
  schema: Type.Object({
    password: Type.Optional(
      SecretString({ description: 'Opens the keys. Best given as an environment variable.' }),
    ),
  }),
} satisfies SectionDefinition;

/** `core.lifecycle` */
export const lifecycleSection = {
  path: 'core.lifecycle',
  schema: Type.Object({
    start_timeout_ms: Type.Integer({
      default: 10_000,
      minimum: 100,
      maximum: 3_600_000,
      description:
        'Milliseconds a service may take to start without any progress; recovering a log is progress.',
    }),
    stop_budget_ms: Type.Integer({
      default: 10_000,
      minimum: 100,
      maximum: 600_000,
      description: 'Milliseconds a stop may take in all.',
    }),
  }),
} satisfies SectionDefinition;

/** Every section of the backend itself. Plugins add theirs below `plugins`. */
export const coreSections: readonly SectionDefinition<TObject>[] = [
  gatewaySection,
  messageBusSection,
  loggingSection,
  databaseSection,
  securitySection,
  lifecycleSection,
  devicesSection,
  channelSection,
];
