import type { AuditRecord, AuditTrail, AuditVerdict } from '@aico/shared/data/audit';
import { Type } from 'typebox';
import type { GatewayApp } from '../../core/gateway.ts';
import { Instant, listOf, maybe, type Says } from '../../core/reply-schemas.ts';
import { requestOf } from '../../core/request-schemas.ts';

const Text = Type.String({ minLength: 1, maxLength: 1_024 });
const Outcome = Type.Enum(['done', 'failed']);
const Query = requestOf({
  action: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 64,
      description: 'An action, or its first word for all of them.',
    }),
  ),
  actor: Type.Optional(Text),
  subject: Type.Optional(Text),
  outcome: Type.Optional(Outcome),
  since: Type.Optional(Instant),
  until: Type.Optional(Instant),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 100 })),
  before: Type.Optional(
    Type.Integer({ minimum: 1, description: 'The number of the last event of this page.' }),
  ),
  after: Type.Optional(Type.Integer({ minimum: 0, description: 'The same, where the oldest come first.' })),
  first: Type.Optional(Type.Enum(['newest', 'oldest'], { default: 'newest' })),
});
const Event = Type.Object({
  seq: Type.Integer({ description: 'Its number: the first event has 1.' }),
  time: Type.Integer({ description: 'Milliseconds since 1970.' }),
  event: Type.String({ description: 'A UUID.' }),
  actor: Type.String({ description: '`local`, `device:ID`, `stranger:ADDRESS` or `backend`.' }),
  action: Type.String(),
  subject: Type.String(),
  outcome: Outcome,
  details: Type.Record(Type.String(), Type.Unknown()),
  hash: Type.String({ description: 'Of this row and of all rows before it.' }),
});
true satisfies Says<typeof Event, AuditRecord>;
const Events = Type.Object({ events: listOf(Event) });
const Verdict = Type.Object({
  ok: Type.Boolean(),
  rows: Type.Integer({ description: 'The number of rows that are in order.' }),
  firstBroken: maybe(Type.Integer({ description: 'The number of the first row that is wrong or missing.' })),
  reason: maybe(Type.String()),
});

const READ = { access: 'root:audit:read' } as const;

/**
 * `/api/v1/audit`: lists the trail and checks it.
 *
 * @param takeOver brings events into the trail that wait outside of it
 */
export function declareAuditRoutes(app: GatewayApp, trail: AuditTrail, takeOver: () => Promise<void>): void {
  app.get(
    '/',
    { config: READ, schema: { querystring: Query, response: { 200: Events } } },
    async ({ query: { since, until, ...query } }) => {
      await takeOver();
      const events = await trail.query({
        ...query,
        ...(since !== undefined && { since: Date.parse(since) }),
        ...(until !== undefined && { until: Date.parse(until) }),
      });
      return { events };
    },
  );
  app.post(
    '/verify',
    { config: READ, schema: { response: { 200: Verdict } } },
    async (): Promise<AuditVerdict> => {
      await takeOver();
      return await trail.verify();
    },
  );
}
