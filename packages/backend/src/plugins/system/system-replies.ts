import { Type } from 'typebox';
import type { ServiceReport } from '../../core/container/start-report.ts';
import type { HealthReport } from '../../core/health/types.ts';
import { Instant, listOf, maybe, type Says } from '../../core/reply-schemas.ts';
import type { PluginView, SystemStatus } from './system-view.ts';

const Problem = Type.Object({
  code: Type.String(),
  message: Type.String(),
  hint: maybe(Type.String()),
});

const ServiceSchema = Type.Object({
  name: Type.String(),
  state: Type.Enum([
    'registered',
    'waiting',
    'held',
    'starting',
    'running',
    'retrying',
    'failed',
    'stopping',
    'stopped',
  ]),
  required: Type.Boolean(),
  requiredBy: maybe(Type.String({ description: 'The required service that needs it.' })),
  priority: Type.Number(),
  dependencies: listOf(Type.String()),
  phase: maybe(Type.Enum(['construct', 'initialize', 'start'])),
  heldBecause: maybe(Type.String()),
  attempts: Type.Integer(),
  waitedMs: Type.Number({ description: 'From the start of the whole until its first phase.' }),
  waitedOn: maybe(Type.String({ description: 'The dependency that was the last to become ready.' })),
  waitingFor: listOf(Type.String()),
  phases: Type.Object(
    {
      construct: maybe(Type.Number()),
      initialize: maybe(Type.Number()),
      start: maybe(Type.Number()),
    },
    { description: 'Milliseconds of each phase of the last attempt.' },
  ),
  ms: Type.Number(),
  retryInMs: maybe(Type.Number()),
  error: maybe(Problem),
});
true satisfies Says<typeof ServiceSchema, ServiceReport>;

export const StatusReply = Type.Object({
  pid: Type.Integer(),
  version: Type.String(),
  node: Type.String(),
  environment: Type.String(),
  home: Type.String(),
  state: Type.String(),
  startedAt: Instant,
  uptimeMs: Type.Number(),
  addresses: Type.Object({ socket: maybe(Type.String()), http: maybe(Type.String()) }),
  load: Type.Object({
    eventLoop: Type.Object(
      {
        busy: Type.Number({ description: 'The part of the time in which it was busy, from 0 to 1.' }),
        meanDelayMs: Type.Number({ description: 'How late timers were.' }),
        maxDelayMs: Type.Number(),
      },
      { description: 'Since the last request for the status.' },
    ),
    memory: Type.Object({ rssBytes: Type.Number(), heapUsedBytes: Type.Number() }),
    requests: maybe(
      Type.Object({
        begun: Type.Integer({ description: 'Since the start.' }),
        pending: Type.Integer({ description: 'Not answered yet, or endless.' }),
      }),
    ),
  }),
  report: Type.Object({
    totalMs: Type.Number({ description: 'Until all that could start had started.' }),
    services: listOf(ServiceSchema),
  }),
});
true satisfies Says<typeof StatusReply, SystemStatus>;

export const PluginReply = Type.Object({
  name: Type.String(),
  version: Type.String(),
  description: Type.String(),
  priority: Type.Number(),
  state: Type.String(),
  required: Type.Boolean(),
  runs: Type.Enum(['every-node', 'one-node']),
  isActive: Type.Boolean({ description: 'Whether it runs on this node.' }),
  module: Type.String({ description: 'The URL of its module; empty if a program registered it.' }),
  dependencies: listOf(Type.String()),
  topics: listOf(Type.String({ description: 'That it publishes.' })),
  capabilities: Type.Record(Type.String(), maybe(Type.String()), {
    description: 'Each with what it allows.',
  }),
  offers: listOf(Type.String({ description: 'Extension points.' })),
  fills: listOf(Type.String({ description: 'Extension points of other plugins.' })),
  dependents: listOf(Type.String({ description: 'Cannot run without it.' })),
  opens: listOf(Type.String({ description: 'Its routes, consumers, timers and other resources.' })),
  loads: Type.Integer({ description: 'How often its code was loaded since the backend started.' }),
  problem: maybe(Problem),
});
true satisfies Says<typeof PluginReply, PluginView>;
export const PluginsReply = Type.Object({ plugins: listOf(PluginReply) });

const Place = {
  file: Type.String(),
  line: Type.Optional(Type.Integer()),
  column: Type.Optional(Type.Integer()),
};
export const ConfigReply = Type.Object({
  entries: listOf(
    Type.Object({
      key: Type.String(),
      value: Type.Unknown({ description: '"[redacted]" where it is a secret, or no schema describes it.' }),
      origin: Type.Union([
        Type.Object({ layer: Type.Literal('default') }),
        Type.Object({ layer: Type.Enum(['environment file', 'user file']), ...Place }),
        Type.Object({ layer: Type.Literal('environment variable'), variable: Type.String() }),
        Type.Object({ layer: Type.Literal('runtime') }),
      ]),
    }),
  ),
});

export const StopReply = Type.Object({ status: Type.Literal('stopping') });

const Health = Type.Enum(['healthy', 'degraded', 'unhealthy']);
export const HealthReply = Type.Object({
  status: Health,
  checks: Type.Record(
    Type.String(),
    Type.Object({
      status: Health,
      detail: Type.Optional(Type.String({ description: 'One sentence for a person.' })),
      data: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
      critical: Type.Boolean({ description: 'Whether the backend is not ready without it.' }),
      durationMs: Type.Number(),
    }),
  ),
  timestamp: Instant,
});
true satisfies Says<typeof HealthReply, HealthReport>;

/** An OpenAPI 3.1 document, described at its top level only. */
export const OpenApiReply = Type.Object({
  openapi: Type.Literal('3.1.0'),
  info: Type.Object({ title: Type.String(), version: Type.String(), description: Type.String() }),
  tags: listOf(Type.Object({ name: Type.String(), description: Type.Optional(Type.String()) })),
  paths: Type.Record(Type.String(), Type.Record(Type.String(), Type.Unknown())),
  components: Type.Object({
    schemas: Type.Record(Type.String(), Type.Unknown()),
    responses: Type.Record(Type.String(), Type.Unknown()),
  }),
});
