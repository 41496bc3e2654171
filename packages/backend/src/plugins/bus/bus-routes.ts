import { parseTopic } from '@aico/protocol';
import { checkPublish, type MessageBus, PayloadInvalidError } from '@aico/shared/core/bus';
import { Type } from 'typebox';
import type { Broker } from '../../bus/broker/broker.ts';
import type { GrantBook } from '../../bus/grants/grant-book.ts';
import { busGrant } from '../../bus/grants/grants-file.ts';
import type { GatewayApp } from '../../core/gateway.ts';
import type { PluginCatalog } from '../../core/plugin/plugin-catalog.ts';
import { Instant, listOf } from '../../core/reply-schemas.ts';
import { requestOf } from '../../core/request-schemas.ts';
import { RequestInvalidError } from '../../gateway/errors.ts';
import type { Idempotency } from '../../gateway/index.ts';

const Topic = Type.String({ minLength: 1, maxLength: 255 });
const Patterns = Type.Array(Topic, { maxItems: 256 });
const Grant = requestOf({
  component: Type.String({ maxLength: 64 }),
  public_key: Type.String({ minLength: 40, maxLength: 40 }),
  publish: Type.Optional(Patterns),
  subscribe: Type.Optional(Patterns),
  renew: Type.Optional(Type.Boolean()),
});
const Component = Type.Object({ component: Type.String({ maxLength: 64 }) });
const Publish = requestOf({ topic: Topic, message: Type.Unknown() });
const Request = requestOf({
  topic: Topic,
  message: Type.Unknown(),
  timeout_ms: Type.Optional(Type.Integer({ minimum: 1, maximum: 600_000 })),
});

const Published = Type.Object({ published: Topic });
const Answer = Type.Object({
  answer: Type.Optional(Type.Unknown()),
  answer_base64: Type.Optional(Type.String({ description: 'The answer, where it is bytes.' })),
});
const Grants = Type.Object({ grants: listOf(busGrant) });
const Granted = Type.Object({
  grant: busGrant,
  endpoints: listOf(Type.String()),
  broker: Type.String({ description: 'The public key of the broker, Z85.' }),
});
const Opened = Type.Object({
  endpoints: listOf(Type.String()),
  broker: Type.String({ description: 'The public key of the broker, Z85.' }),
});
const Revoked = Type.Object({ revoked: Type.String() });
const Clients = Type.Object({
  clients: listOf(
    Type.Object({
      component: Type.String(),
      client: Type.String(),
      since: Instant,
      published: Type.Integer(),
      delivered: Type.Integer(),
      refused: Type.Integer(),
      queued_bytes: Type.Integer(),
      subscriptions: listOf(
        Type.Object({ pattern: Type.String(), queued: Type.Integer(), dropped: Type.Integer() }),
      ),
    }),
  ),
});
const Stats = Type.Object({
  endpoints: listOf(Type.String()),
  connections: Type.Object({ admitted: Type.Integer(), refused: Type.Integer() }),
  malformed: Type.Integer({ description: 'Frames that were none.' }),
  sessions: Type.Integer(),
  untravelled: Type.Integer({ description: 'Messages of plugins that could not travel.' }),
});

/** The parts of the broker that the routes use. */
interface BrokerView {
  readonly book: GrantBook;
  /** The broker, while it listens. */
  readonly broker: Broker | undefined;
  readonly untravelled: number;
  open(): Promise<{ readonly endpoints: readonly string[]; readonly publicKey: string }>;
}

/** `/api/v1/bus`: grants, connected clients, and publishing and requesting over the API. */
export function declareBusRoutes(
  app: GatewayApp,
  broker: BrokerView,
  bus: MessageBus,
  idempotency: Idempotency,
  plugins: PluginCatalog,
): void {
  declareGrants(app, broker);
  declareFigures(app, broker);
  app.post(
    '/messages',
    {
      config: { access: 'bus:publish', idempotent: true },
      schema: { body: Publish, response: { 202: Published } },
    },
    async (request, reply) => {
      const { topic, message } = request.body;
      parseTopic(topic);
      checkPublish(topic);
      // Refused here, where the sender is told; a subscriber would leave it out.
      const publish = (): Promise<void> =>
        bus.publish(plugins.topic(topic) ?? topic, message).catch(refuseUnfit);
      if (request.headers['idempotency-key'] === undefined) await publish();
      else await idempotency.run(request, async (tx) => tx.afterCommit(publish));
      return reply.code(202).send({ published: topic });
    },
  );
  app.post(
    '/requests',
    { config: { access: 'bus:publish' }, schema: { body: Request, response: { 200: Answer } } },
    async ({ body: { topic, message, timeout_ms } }) => {
      const answer: unknown = await bus
        .request(
          plugins.topic(topic) ?? topic,
          message,
          timeout_ms === undefined ? {} : { timeoutMs: timeout_ms },
        )
        .catch(refuseUnfit);
      // JSON.stringify would turn them into an object with numbered fields.
      if (answer instanceof Uint8Array) return { answer_base64: Buffer.from(answer).toString('base64') };
      return { answer };
    },
  );
}

/** Throws an error of the request where its message does not fit the schema of the topic. */
function refuseUnfit(error: unknown): never {
  if (!(error instanceof PayloadInvalidError)) throw error;
  throw new RequestInvalidError(
    error.issues.map(({ path, message }) => ({ path: `body/message${path}`, message })),
  );
}

function declareGrants(app: GatewayApp, broker: BrokerView): void {
  app.get('/grants', { config: { access: 'bus:read' }, schema: { response: { 200: Grants } } }, () => ({
    grants: broker.book.grants,
  }));
  app.post(
    '/open',
    { config: { access: 'bus:grant' }, schema: { response: { 200: Opened } } },
    // The parts of a credential other than the component's own keys, so that it can be written before access is granted.
    async () => {
      const { endpoints, publicKey } = await broker.open();
      return { endpoints, broker: publicKey };
    },
  );
  app.post(
    '/grants',
    { config: { access: 'bus:grant' }, schema: { body: Grant, response: { 201: Granted } } },
    async ({ body: { component, public_key, publish, subscribe, renew = false } }, reply) => {
      // Opened first: a process with a new grant must find the broker listening.
      const { endpoints, publicKey } = await broker.open();
      const grant = await broker.book.grant({ component, publicKey: public_key, publish, subscribe, renew });
      return reply.code(201).send({ grant, endpoints, broker: publicKey });
    },
  );
  app.delete(
    '/grants/:component',
    { config: { access: 'bus:grant' }, schema: { params: Component, response: { 200: Revoked } } },
    async ({ params: { component } }) => {
      await broker.book.revoke(component);
      return { revoked: component };
    },
  );
}

function declareFigures(app: GatewayApp, broker: BrokerView): void {
  app.get('/clients', { config: { access: 'bus:read' }, schema: { response: { 200: Clients } } }, () => ({
    clients: [...(broker.broker?.sessions ?? [])].map((session) => ({
      component: session.component,
      client: session.client,
      since: session.since.toISOString(),
      published: session.published,
      delivered: session.queues.delivered,
      refused: session.refusals,
      queued_bytes: session.queues.queuedBytes,
      subscriptions: [...session.subscriptions.values()].map(({ pattern, queued, dropped }) => ({
        pattern,
        queued,
        dropped,
      })),
    })),
  }));
  app.get('/stats', { config: { access: 'bus:read' }, schema: { response: { 200: Stats } } }, () => ({
    endpoints: broker.broker?.endpoints ?? [],
    ...(broker.broker?.stats ?? { connections: { admitted: 0, refused: 0 }, malformed: 0, sessions: 0 }),
    untravelled: broker.untravelled,
  }));
}
