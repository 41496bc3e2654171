import type { Logger } from '@aico/shared/core/logging';
import type { DeadLetter, DurableStreams, StreamFigures } from '@aico/shared/data/streams';
import { Type } from 'typebox';
import type { GatewayApp } from '../../core/gateway.ts';
import type { HealthCheckResult } from '../../core/health/types.ts';
import { PluginPriority } from '../../core/plugin/plugin-base.ts';
import { definePlugin } from '../../core/plugin/plugin-definition.ts';
import { Instant, listOf, maybe, type Says } from '../../core/reply-schemas.ts';
import { requestOf } from '../../core/request-schemas.ts';

const PRUNE_EVERY_MS = 600_000;
const Name = Type.String({ minLength: 1, maxLength: 256 });
const DeadQuery = requestOf({
  consumer: Type.Optional(Name),
  limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 100 }),
});
const WhichDead = requestOf({ consumer: Name, number: Type.Optional(Type.Integer({ minimum: 1 })) });
const WhichConsumer = requestOf({ consumer: Name });

const Figures = Type.Object({
  messages: Type.Integer(),
  bytes: Type.Integer(),
  first: maybe(Type.Integer()),
  last: maybe(Type.Integer()),
  topics: listOf(Type.Object({ topic: Type.String(), messages: Type.Integer() })),
  consumers: listOf(
    Type.Object({
      consumer: Type.String(),
      pattern: Type.String(),
      floor: Type.Integer({ description: 'Everything up to here is settled.' }),
      lag: Type.Integer({ description: 'Numbers after the floor, of its topics or not.' }),
      retrying: Type.Integer(),
      dead: Type.Integer(),
      running: Type.Boolean(),
      seenAt: Instant,
      holds: Type.Boolean({ description: 'Whether messages that it has not settled are kept for it.' }),
    }),
  ),
});
true satisfies Says<typeof Figures, StreamFigures>;
const Dead = Type.Object({
  consumer: Type.String(),
  number: Type.Integer(),
  topic: Type.String(),
  id: Type.String(),
  attempts: Type.Integer(),
  error: Type.Union([Type.String(), Type.Null()]),
  diedAt: Instant,
});
true satisfies Says<typeof Dead, DeadLetter>;
const DeadLetters = Type.Object({ deadLetters: listOf(Dead) });
const Replayed = Type.Object({ replayed: Type.Integer({ description: 'How many were given to it again.' }) });

const Dropped = Type.Object({ dropped: Type.Integer({ description: 'How many were dropped.' }) });
const Forgotten = Type.Object({ forgotten: Name });

/** The absence of a consumer, in milliseconds, from which the health check reports it. */
const AWAY_MS = 86_400_000;

const READ = { access: 'bus:read' } as const;
const MANAGE = { access: 'bus:manage' } as const;

/**
 * `/api/v1/streams`: lists durable messages and their consumers, replays and drops dead letters, and deletes expired messages.
 */
export const streamsPlugin = definePlugin({
  name: 'streams_api',
  version: '1.0.0',
  description: 'Shows and tends the durable messages of the bus',
  dependencies: ['streams', 'gateway'],
  priority: PluginPriority.INFRASTRUCTURE,
  capabilities: {
    'bus:read': 'See what the bus carries and keeps',
    'bus:manage': 'Replay and drop dead letters, forget consumers',
  },
  async start(plugin) {
    const streams = plugin.requireService('streams');
    plugin.onHealthCheck(() => healthOf(streams));
    await plugin.addRoutes((app) => declareRoutes(app, streams, plugin.logger), { place: 'streams' });
    plugin.every(
      'retention',
      PRUNE_EVERY_MS,
      async () => {
        const pruned = await streams.prune();
        if (pruned > 0) plugin.logger.info('Durable messages past their time were deleted', { pruned });
      },
      { firstAfterMs: 0 },
    );
  },
});

async function healthOf(streams: DurableStreams): Promise<HealthCheckResult> {
  const { messages, dead, consumers } = await streams.summary();
  const away = consumers.filter((each) => !each.running && Date.now() - Date.parse(each.seenAt) > AWAY_MS);
  const data = { messages, consumers: consumers.length, away: away.length, dead };
  const troubles = [
    ...(dead > 0 ? [`${dead} dead ${dead === 1 ? 'letter' : 'letters'}: aico bus dead-letters`] : []),
    ...(away.length > 0
      ? [
          `consumers that have not run for a day: ${away.map((each) => each.consumer).join(', ')}; aico bus consumers`,
        ]
      : []),
  ];
  if (troubles.length === 0) return { status: 'healthy', data };
  return { status: 'degraded', detail: troubles.join('; '), data };
}

function declareRoutes(app: GatewayApp, streams: DurableStreams, logger: Logger): void {
  app.get('/', { config: READ, schema: { response: { 200: Figures } } }, () => streams.figures());
  app.get(
    '/dead-letters',
    { config: READ, schema: { querystring: DeadQuery, response: { 200: DeadLetters } } },
    async ({ query: { consumer, limit } }) => ({ deadLetters: await streams.deadLetters(consumer, limit) }),
  );
  app.post(
    '/dead-letters/replay',
    { config: MANAGE, schema: { body: WhichDead, response: { 200: Replayed } } },
    async ({ body }) => ({
      replayed: await streams.replayDead(body.consumer, body.number),
    }),
  );
  app.post(
    '/dead-letters/drop',
    { config: MANAGE, schema: { body: WhichDead, response: { 200: Dropped } } },
    async ({ body }) => ({ dropped: await streams.dropDead(body.consumer, body.number) }),
  );
  app.post(
    '/consumers/forget',
    { config: MANAGE, schema: { body: WhichConsumer, response: { 200: Forgotten } } },
    async ({ body: { consumer } }) => {
      await streams.forget(consumer);
      logger.info('A consumer of durable messages was forgotten', { consumer });
      return { forgotten: consumer };
    },
  );
}
