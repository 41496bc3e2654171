import { Type } from 'typebox';
import type { GatewayApp } from '../../core/gateway.ts';
import { eventStream, listOf, type Says } from '../../core/reply-schemas.ts';
import type { EventsPlugin } from '../events/events-plugin.ts';
import type { Followed } from '../events/live-subscriptions.ts';
import type { LogQuery, StoredLogRecord } from './log-query.ts';
import { isLogRecord, matchesQuery } from './log-record.ts';
import type { LogStore } from './log-store.ts';

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

const Line = Type.Object({
  id: Type.Integer(),
  time: Type.Integer({ description: 'Milliseconds since 1970.' }),
  level: Level,
  service: Type.String(),
  component: Type.String(),
  message: Type.String(),
  fields: Type.Record(Type.String(), Type.Unknown()),
});
true satisfies Says<typeof Line, StoredLogRecord>;
const Lines = Type.Object({ logs: listOf(Line) });

const READ = { access: 'logs:read' } as const;

const StreamQuery = Type.Object(Filter);

/** `/api/v1/logs` and `/api/v1/logs/stream`. */
export function declareLogRoutes(
  app: GatewayApp,
  store: LogStore,
  events: Pick<EventsPlugin, 'follow'>,
): void {
  app.get(
    '/',
    { config: READ, schema: { querystring: Query, response: { 200: Lines } } },
    async ({ query: { level, ...query } }) => ({
      logs: await store.query(level === undefined ? query : { ...query, minLevel: level }),
    }),
  );
  app.get(
    '/stream',
    {
      config: { ...READ, endless: true },
      schema: {
        querystring: StreamQuery,
        response: eventStream('`open`, `message` with a line as it is logged, `gap`. See docs/events.md.'),
      },
    },
    (request, reply) => {
      const { principal, query: filter } = request;
      const { level, ...rest } = filter;
      const query: LogQuery = level === undefined ? rest : { ...rest, minLevel: level };
      const followed: Followed = {
        topic: 'logs.*',
        view: JSON.stringify(filter),
        accepts: (line) => isLogRecord(line) && matchesQuery(line, query),
        principal,
        isPermitted: () => principal.may(READ.access),
      };
      return events.follow(followed, request, reply);
    },
  );
}
