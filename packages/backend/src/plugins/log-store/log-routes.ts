import { Type } from 'typebox';
import type { GatewayApp } from '../../core/gateway.ts';
import type { LogStore } from './log-store.ts';
import type { LogStreams } from './log-stream.ts';

const Level = Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']);

const Filter = {
  service: Type.Optional(Type.String({ maxLength: 256 })),
  level: Type.Optional(Level),
  component: Type.Optional(Type.String({ maxLength: 256 })),
  text: Type.Optional(Type.String({ maxLength: 256 })),
};

const Query = Type.Object({
  ...Filter,
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
  before: Type.Optional(Type.Integer({ minimum: 1 })),
});

const READ = { access: 'logs:read' } as const;

const StreamQuery = Type.Object(Filter);

/** `/api/v1/logs` and `/api/v1/logs/stream`. */
export function declareLogRoutes(app: GatewayApp, store: LogStore, streams: LogStreams): void {
  app.get('/', { config: READ, schema: { querystring: Query } }, async ({ query: { level, ...query } }) => ({
    logs: await store.query(level === undefined ? query : { ...query, minLevel: level }),
  }));
  app.get(
    '/stream',
    { config: { ...READ, endless: true }, schema: { querystring: StreamQuery } },
    async ({ query: { level, ...query } }, reply) => {
      // Fastify has nothing more to say on it: the stream owns the response from here on.
      reply.hijack();
      await streams.serve(reply.raw, level === undefined ? query : { ...query, minLevel: level });
    },
  );
}
