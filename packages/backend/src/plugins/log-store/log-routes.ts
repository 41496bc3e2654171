import { AicoError } from '@aico/protocol';
import { momentOf } from '@aico/protocol/timing';
import type { LevelSettings, LogLevels } from '@aico/shared/core/logging';
import type { AuditRecorder } from '@aico/shared/data/audit';
import { type Static, Type } from 'typebox';
import type { GatewayApp } from '../../core/gateway.ts';
import { eventStream, listOf, maybe, type Says } from '../../core/reply-schemas.ts';
import { requestOf } from '../../core/request-schemas.ts';
import type { EventsPlugin } from '../events/events-plugin.ts';
import type { Followed } from '../events/live-subscriptions.ts';
import type { LogArchived, LogArchiver } from './archive/log-archiver.ts';
import {
  LogArchiveFailedError,
  LogLineUnknownError,
  LogSelectionMissingError,
  LogTimeError,
} from './errors.ts';
import { wordsOf } from './line-words.ts';
import { type LogQuery, type StoredLogRecord, withoutWords } from './log-query.ts';
import type { LogStore, StoredCounts } from './log-store.ts';
import { lineEvents } from './log-stream.ts';

// An empty value would select every line.
const Text = Type.String({ minLength: 1, maxLength: 256 });
const Level = Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']);

const Filter = {
  service: Type.Optional(Text),
  level: Type.Optional(Level),
  component: Type.Optional(Text),
  text: Type.Optional(Text),
  requestId: Type.Optional(Text),
  traceId: Type.Optional(Text),
  plugin: Type.Optional(Text),
  device: Type.Optional(Text),
};

const Moment = Type.String({
  maxLength: 64,
  description: '10m, 1h30m, 3d, today, yesterday, 14:30, 2026-11-27, or a date-time of ISO 8601.',
});

const Selection = { ...Filter, since: Type.Optional(Moment), until: Type.Optional(Moment) };

const Query = requestOf({
  ...Selection,
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000,
      description: 'An answer has fewer lines where they are long, and none where no more match.',
    }),
  ),
  before: Type.Optional(Type.Integer({ minimum: 1, description: 'The id of the last line of this page.' })),
  after: Type.Optional(Type.Integer({ minimum: 0, description: 'The same, where the oldest come first.' })),
  first: Type.Optional(Type.Enum(['newest', 'oldest'], { default: 'newest' })),
});

/** The work that a line was logged for. */
const Context = Type.Object({
  requestId: maybe(Type.String()),
  traceId: maybe(Type.String()),
  plugin: maybe(Type.String()),
  device: maybe(Type.String({ description: 'The id of the device.' })),
});

const Line = Type.Object({
  id: Type.Integer(),
  time: Type.Integer({ description: 'Milliseconds since 1970.' }),
  level: Level,
  service: Type.String(),
  component: Type.String(),
  message: Type.String(),
  fields: Type.Record(Type.String(), Type.Unknown()),
  context: Type.Optional(Context),
});
true satisfies Says<typeof Line, StoredLogRecord>;
const Lines = Type.Object({ logs: listOf(Line) });
/** Without `level`, which selects the lines above it as well: they matter most. */
const DeleteQuery = Type.Omit(requestOf(Selection), ['level'], { additionalProperties: false });
/** The path must be absolute: a relative one would be resolved from the folder that the backend was started in. */
const ArchiveBody = requestOf({
  ...Type.Omit(Type.Object(Selection), ['level']).properties,
  file: Type.String({ minLength: 1, maxLength: 4_096, pattern: '^(?:/|[A-Za-z]:)' }),
  remove: Type.Boolean({
    default: false,
    description: 'Whether the lines are deleted from the log once the file is durable.',
  }),
});
const Archived = Type.Object({
  file: Type.String(),
  lines: Type.Integer(),
  removed: Type.Integer({ description: 'How many of the lines were deleted from the log.' }),
});
true satisfies Says<typeof Archived, LogArchived>;
const Deleted = Type.Object({ deleted: Type.Integer({ description: 'The number of lines.' }) });
const Counts = Type.Object({
  counts: listOf(Type.Object({ service: Type.String(), level: Level, lines: Type.Integer() })),
  oldest: maybe(Type.Integer({ description: 'Milliseconds since 1970.' })),
  newest: maybe(Type.Integer()),
});
true satisfies Says<typeof Counts, StoredCounts>;
const LineId = Type.Object({ id: Type.Integer({ minimum: 1 }) });

const READ = { access: 'logs:read' } as const;
const MANAGE = { access: 'logs:manage' } as const;

const Levels = Type.Object({
  default: Level,
  rules: Type.Record(Type.String(), Level, { description: 'By service, or service/component.' }),
});
true satisfies Says<typeof Levels, LevelSettings>;

const LevelChange = requestOf({
  target: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 512,
      description: 'service, or service/component; without it the default.',
    }),
  ),
  level: Type.Union([Level, Type.Null()], { description: 'null: the default again.' }),
});

const StreamQuery = requestOf({
  ...Filter,
  after: Type.Optional(
    Type.Integer({ minimum: 0, description: 'Begins after the line with this id, instead of now.' }),
  ),
});

/** `/api/v1/logs`, a single line, the live stream, and the levels. */
export function declareLogRoutes(
  app: GatewayApp,
  store: LogStore,
  events: Pick<EventsPlugin, 'follow'>,
  levels: LogLevels,
  audit: Pick<AuditRecorder, 'record'>,
  archiver: LogArchiver,
): void {
  app.get('/levels', { config: READ, schema: { response: { 200: Levels } } }, async () => levels.toJSON());
  app.put(
    '/levels',
    { config: MANAGE, schema: { body: LevelChange, response: { 200: Levels } } },
    async ({ body: { target, level } }) => {
      if (target !== undefined) levels.set(target, level ?? undefined);
      else if (level !== null) levels.default = level;
      await audit.record({ action: 'log.level_changed', subject: target ?? '', details: { level } });
      return levels.toJSON();
    },
  );
  app.get(
    '/',
    { config: READ, schema: { querystring: Query, response: { 200: Lines } } },
    async ({ query }) => ({ logs: await store.query(selectionOf(query)) }),
  );
  app.delete(
    '/',
    { config: MANAGE, schema: { querystring: DeleteQuery, response: { 200: Deleted } } },
    async ({ query }) => {
      const selected = selectionOf(query);
      requireFilter(query);
      // Recorded first: a process that is killed meanwhile has deleted some of them.
      await audit.record({ action: 'log.deleted', details: { filter: withoutWords(query) } });
      return { deleted: await store.delete(selected) };
    },
  );
  app.post(
    '/archive',
    {
      config: { access: 'logs:archive' },
      schema: { body: ArchiveBody, response: { 200: Archived } },
    },
    async ({ body: { file, remove, ...query } }) => {
      const selection = selectionOf(query);
      if (remove) requireFilter(query);
      try {
        return await archiver.archive({ file, selection, remove });
      } catch (error) {
        throw error instanceof AicoError ? new LogArchiveFailedError(error) : error;
      }
    },
  );
  app.get('/counts', { config: READ, schema: { response: { 200: Counts } } }, () => store.count());
  app.get(
    '/:id',
    { config: READ, schema: { params: LineId, response: { 200: Line } } },
    async ({ params: { id } }) => {
      const line = await store.line(id);
      if (line === undefined) throw new LogLineUnknownError(id);
      return line;
    },
  );
  app.get(
    '/stream',
    {
      config: { ...READ, endless: true },
      schema: {
        querystring: StreamQuery,
        response: eventStream('`open`, then `message` with each line when it is stored. See docs/events.md.'),
      },
    },
    (request, reply) => {
      const { principal, query: filter } = request;
      const { level, after, ...rest } = filter;
      const followed: Followed = {
        topic: JSON.stringify({ level, ...rest }),
        stored: lineEvents(store, { ...rest, ...(level !== undefined && { minLevel: level }) }),
        ...(after !== undefined && { after }),
        principal,
        isPermitted: () => principal.may(READ.access),
      };
      return events.follow(followed, request, reply);
    },
  );
}

/** A request whose parameters were lost on the way must not delete everything. */
function requireFilter({ text, ...others }: Static<typeof DeleteQuery>): void {
  if (Object.keys(others).length === 0 && wordsOf(text ?? '').length === 0)
    throw new LogSelectionMissingError();
}

function selectionOf({ level, since, until, ...rest }: Static<typeof Query>): LogQuery {
  return {
    ...rest,
    ...(level !== undefined && { minLevel: level }),
    ...(since !== undefined && { since: timeOf('since', since) }),
    ...(until !== undefined && { until: timeOf('until', until) }),
  };
}

function timeOf(name: string, text: string): number {
  const moment = momentOf(text, new Date());
  if (moment === undefined) throw new LogTimeError(name);
  return moment.getTime();
}
