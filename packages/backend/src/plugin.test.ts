import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exportedTypes } from '../test/fixtures/exports.ts';
import * as door from './plugin.ts';

/** Everything that `@aico/backend/plugin` exports. An added or removed name changes the interface of plugins. */
const VALUES = [
  'AicoError',
  'defineError',
  'BasePlugin',
  'GatewayResponse',
  'Instant',
  'Middleware',
  'NO_CONTENT',
  'PluginPriority',
  'Secret',
  'SecretString',
  'Type',
  'contentOf',
  'definePlugin',
  'defineTopic',
  'eventStream',
  'extensionPoint',
  'listOf',
  'maybe',
] as const;

const TYPES = [
  'Access',
  'CallNext',
  'CommandContext',
  'ConfigurationManager',
  'Consumption',
  'Database',
  'Delivery',
  'ExtensionPoint',
  'Extensions',
  'FastifyReply',
  'FastifyRequest',
  'GatewayApp',
  'HealthCheckResult',
  'Logger',
  'MessageBus',
  'Migration',
  'Output',
  'Placement',
  'Plugin',
  'PluginCommands',
  'PluginDefinition',
  'PluginMetadata',
  'Principal',
  'QueryResult',
  'Queryable',
  'Row',
  'Says',
  'ServiceContainer',
  'ServiceName',
  'Services',
  'SqlDialect',
  'SqlParameters',
  'SqlValue',
  'Static',
  'Subscription',
  'TSchema',
  'Topic',
  'Transaction',
];

type Same<A, B> = [A, B] extends [B, A] ? true : never;
true satisfies Same<keyof typeof door, (typeof VALUES)[number]>;

test('@aico/backend/plugin exports exactly the names listed here', () => {
  assert.deepEqual(Object.keys(door).sort(), [...VALUES].sort());
  assert.deepEqual(exportedTypes(new URL('./plugin.ts', import.meta.url)), TYPES.toSorted());
});
