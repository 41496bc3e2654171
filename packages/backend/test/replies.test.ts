/** The replies of each route are as the OpenAPI document declares them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { definePlugin } from '@aico/backend/plugin';
import {
  createTestBackend,
  createTestHome,
  type LocalReply,
  localRequest,
  strictIssues,
  type TestBackend,
  type TestHome,
} from '@aico/backend/testing';
import { MessageBusClient } from '@aico/shared/core/bus';
import { type BusCredential, curveKeyPair, ZeroMqTransport } from '@aico/shared/core/bus/zeromq';
import { Type } from 'typebox';
import { pair } from './fixtures/channel.ts';
import { declareNotes } from './guide/typed-replies.ts';

interface Said {
  readonly $ref?: string;
  readonly content?: Readonly<Record<string, { readonly schema?: object }>>;
}
type Responses = Readonly<Record<string, Said>>;
interface Operation {
  readonly responses: Responses;
  readonly requestBody?: object;
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
}

/** The calls, in order, of every route that answers with JSON or an empty body. `:id` is the device that `before` pairs. */
const CALLS: Readonly<Record<string, unknown>> = {
  'GET /api/v1/openapi': undefined,
  'GET /api/v1/health': undefined,
  'GET /api/v1/system/status': undefined,
  'GET /api/v1/plugins': undefined,
  'GET /api/v1/plugins/{name}': undefined,
  'POST /api/v1/plugins/{name}/reload': undefined,
  'POST /api/v1/plugins/{name}/disable': undefined,
  'POST /api/v1/plugins/{name}/enable': undefined,
  'GET /api/v1/system/config': undefined,
  'GET /api/v1/logs': undefined,
  'DELETE /api/v1/logs': undefined,
  'POST /api/v1/logs/archive': { file: '' },
  'GET /api/v1/logs/counts': undefined,
  'GET /api/v1/logs/{id}': undefined,
  'GET /api/v1/logs/levels': undefined,
  'PUT /api/v1/logs/levels': { target: 'journal', level: 'warn' },
  'GET /api/v1/audit': undefined,
  'POST /api/v1/audit/verify': undefined,
  'GET /api/v1/database/status': undefined,
  'GET /api/v1/database/stats': undefined,
  'POST /api/v1/database/check': undefined,
  'POST /api/v1/database/vacuum': undefined,
  'POST /api/v1/database/query': {
    sql: "SELECT 1 AS a, 'b' AS b, x'00ff' AS c, NULL AS d, 9007199254740993 AS e",
  },
  'POST /api/v1/database/backup': { directory: '' },
  'GET /api/v1/devices': undefined,
  'POST /api/v1/devices/pairings': {},
  'PATCH /api/v1/devices/{id}': { name: 'Phone' },
  'DELETE /api/v1/devices/{id}': undefined,
  'GET /api/v1/bus/grants': undefined,
  'GET /api/v1/bus/clients': undefined,
  'GET /api/v1/bus/stats': undefined,
  'POST /api/v1/bus/grants': { component: 'other', publish: ['other.>'] },
  'POST /api/v1/bus/open': undefined,
  'POST /api/v1/bus/messages': { topic: 'a.b', message: 1 },
  'POST /api/v1/bus/requests': { topic: 'ask.me', message: 1 },
  'DELETE /api/v1/bus/grants/{component}': undefined,
  'GET /api/v1/nodes': undefined,
  'GET /api/v1/streams': undefined,
  'GET /api/v1/streams/dead-letters': undefined,
  'POST /api/v1/streams/dead-letters/replay': { consumer: 'c' },
  'POST /api/v1/streams/dead-letters/drop': { consumer: 'c' },
  'POST /api/v1/streams/consumers/forget': { consumer: 'gone' },
  'GET /api/v1/security/status': undefined,
  'POST /api/v1/security/lock': undefined,
  'POST /api/v1/security/unlock': {},
  'POST /api/v1/system/stop': undefined,
};

/** The media type of each route that does not reply with JSON. */
const OTHERS: Readonly<Record<string, readonly [path: string, mediaType: string]>> = {
  'GET /api/v1/openapi/page': ['/api/v1/openapi/page', 'text/html'],
  'GET /api/v1/logs/stream': ['/api/v1/logs/stream', 'text/event-stream'],
  'GET /api/v1/events': ['/api/v1/events?topic=a.*', 'text/event-stream'],
};

/** The routes that need a database which several nodes share; nodes.test.ts calls them. */
const SHARED = ['POST /api/v1/nodes', 'POST /api/v1/nodes/invitations', 'DELETE /api/v1/nodes/{id}'];

describe('the reply of each route', () => {
  let backend: TestBackend;
  let backups: TestHome;
  let device = '';
  let line = 0;
  let bus: MessageBusClient | undefined;
  const operations = new Map<string, Responses>();
  /** The operations that have a body, and those that have query parameters. */
  const withBody: string[] = [];
  const withQuery: string[] = [];
  let shared: Responses = {};
  const { publicKey, secretKey } = curveKeyPair();

  before(async () => {
    backups = await createTestHome();
    backend = await createTestBackend({
      plugins: [definePlugin({ name: 'idle', version: '1.0.0', description: 'Does nothing', start() {} })],
      config: { environment: 'development', 'core.message_bus.broker.port': 0 },
    });
    const document = (await localRequest(backend.socket, '/api/v1/openapi')).json() as {
      readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
      readonly components: { readonly responses: Responses };
    };
    ({ responses: shared } = document.components);
    for (const [path, methods] of Object.entries(document.paths))
      for (const [method, { responses, requestBody, parameters = [] }] of Object.entries(methods)) {
        const name = `${method.toUpperCase()} ${path}`;
        operations.set(name, responses);
        if (requestBody !== undefined) withBody.push(name);
        if (parameters.some((each) => each.in === 'query')) withQuery.push(name);
      }
    await pair(backend);
    const paired = (await localRequest(backend.socket, '/api/v1/devices')).json();
    device = (paired as { readonly devices: readonly { readonly id: string }[] }).devices[0]?.id ?? '';
    const logged = (await localRequest(backend.socket, '/api/v1/logs?limit=1')).json();
    line = (logged as { readonly logs: readonly { readonly id: number }[] }).logs[0]?.id ?? 0;
    // So that no list is empty: one who takes part in the bus, one that answers, and a dead letter.
    bus = await takePart('journal');
    const inside = backend.container.getService('message_bus');
    await inside.respond('ask.me', () => ({ deep: [1] }));
    await inside.publish('a.b', 'poison', { durable: true });
    const refuse = (): never => {
      throw new Error('cannot');
    };
    const consumption = await inside.consume('a.b', 'c', refuse, { maxAttempts: 1 });
    await consumption.whenIdle();
    await (await inside.consume('a.b', 'gone', () => {})).stop();
  });
  after(async () => {
    await bus?.close();
    await backend.stop();
    await backups.remove();
  });

  async function takePart(component: string): Promise<MessageBusClient> {
    const body = { component, public_key: publicKey, subscribe: ['a.*'] };
    const reply = await localRequest(backend.socket, '/api/v1/bus/grants', { method: 'POST', body });
    const { endpoints, broker } = reply.json() as Pick<BusCredential, 'endpoints' | 'broker'>;
    const credential: BusCredential = {
      format: 'aico-bus-credential',
      version: 1,
      component,
      endpoints,
      broker,
      public_key: publicKey,
      secret_key: secretKey,
      publish: [],
      subscribe: [],
    };
    const client = new MessageBusClient({
      source: component,
      transport: new ZeroMqTransport({ credential }),
      onError: () => {},
    });
    await client.connect();
    await client.subscribe('a.*', () => {});
    return client;
  }

  function call(
    operation: string,
    extra: { readonly body?: object; readonly query?: string } = {},
  ): Promise<LocalReply> {
    const [method = '', template = ''] = operation.split(' ');
    const body = extra.body === undefined ? CALLS[operation] : { ...Object(CALLS[operation]), ...extra.body };
    const path = template
      .replace('logs/{id}', `logs/${line}`)
      .replace('{id}', device)
      .replace('{component}', 'other')
      .replace('{name}', 'idle')
      .concat(operation === 'DELETE /api/v1/logs' ? '?component=nowhere' : '');
    const given =
      method === 'POST' && path.endsWith('/bus/grants')
        ? { ...Object(body), public_key: curveKeyPair().publicKey }
        : path.endsWith('/backup')
          ? { ...Object(body), directory: backups.folder }
          : path.endsWith('/archive')
            ? { ...Object(body), file: `${backups.folder}/lines.aicolog` }
            : body;
    const query = extra.query === undefined ? '' : `${path.includes('?') ? '&' : '?'}${extra.query}`;
    return localRequest(backend.socket, path + query, { method, body: given });
  }

  test('is described for every route, and this test calls each of them', () => {
    const untold = [...operations].filter(([, responses]) => !isTold(responses)).map(([name]) => name);
    assert.deepEqual(untold, []);
    const known = [...Object.keys(CALLS), ...Object.keys(OTHERS), ...SHARED, 'GET /api/v1/events/ws'];
    assert.deepEqual([...operations.keys()].sort(), known.sort());
    for (const [name, responses] of operations)
      assert.equal(responses.default?.$ref, '#/components/responses/Problem', name);
    assert.ok(shared.Problem?.content?.['application/problem+json']);
    assert.ok(operations.get('GET /api/v1/events/ws')?.['101']);
  });

  for (const [operation, [path, mediaType]] of Object.entries(OTHERS)) {
    test(`${operation} has the declared media type`, async () => {
      const asked = request({ socketPath: backend.socket, path, agent: false }).end();
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      asked.on('error', () => {}).destroy();
      assert.equal(response.statusCode, 200);
      assert.equal(response.headers['content-type']?.split(';', 1)[0], mediaType);
      assert.deepEqual(Object.keys(operations.get(operation)?.['200']?.content ?? {}), [mediaType]);
    });
  }

  test('a field or a query parameter that no route knows is refused, with the nearest name', async () => {
    assert.ok(withBody.length > 5 && withQuery.length > 5);
    const refused = async (operation: string, extra: Parameters<typeof call>[1]): Promise<void> => {
      const reply = await call(operation, extra);
      assert.equal(reply.status, 400, operation);
      assert.match(reply.text, /"[a-z]+\/unknown_name","message":"is unknown; the fields are: /, operation);
    };
    for (const operation of withBody) await refused(operation, { body: { unknown_name: 1 } });
    for (const operation of withQuery) await refused(operation, { query: 'unknown_name=1' });
    const { text } = await call('GET /api/v1/logs', { query: 'comonent=a' });
    assert.match(text, /comonent is unknown; did you mean \\"component\\"/);
  });

  for (const operation of Object.keys(CALLS)) {
    test(`${operation} has exactly the declared fields`, async () => {
      const reply = await call(operation);
      const said = operations.get(operation)?.[String(reply.status)];
      assert.ok(reply.status < 300 && said !== undefined, `${reply.status} ${reply.text}`);
      const schema = said.content?.['application/json']?.schema;
      if (schema === undefined) assert.equal(reply.text, '');
      else assert.deepEqual(strictIssues(schema, reply.json()), []);
    });
  }
});

test('an undeclared field is sent nevertheless, and found by the strict check', async (t) => {
  const backend = await createTestBackend();
  t.after(() => backend.stop());
  const schema = Type.Object({ a: Type.Integer() });
  const sent = { a: 1, b: { c: [1] } };
  await backend.container
    .getService('gateway')
    .mount(
      'odd',
      (app) =>
        void app.get(
          '/',
          { config: { access: 'public' }, schema: { response: { 200: schema } } },
          () => sent,
        ),
    );
  const reply = await localRequest(backend.socket, '/api/v1/odd');
  assert.deepEqual(reply.json(), sent);
  assert.ok(strictIssues(schema, sent).includes(': must not have additional properties'));
  assert.deepEqual(strictIssues(schema, { a: 1 }), []);
});

test('an answer over the bus that consists of bytes is returned as Base64', async (t) => {
  const backend = await createTestBackend();
  t.after(() => backend.stop());
  await backend.container.getService('message_bus').respond('ask.me', () => new Uint8Array([1, 2]));
  const body = { topic: 'ask.me', message: 1 };
  const reply = await localRequest(backend.socket, '/api/v1/bus/requests', { method: 'POST', body });
  assert.deepEqual(reply.json(), { answer_base64: 'AQI=' });
});

test('the routes of the guide reply as declared', async (t) => {
  const backend = await createTestBackend();
  t.after(() => backend.stop());
  const notes = new Map([[1, { id: 1, text: 'a' }]]);
  await backend.container.getService('gateway').mount('notes', (app) => declareNotes(app, notes));
  const ask = (path: string, method = 'GET') =>
    localRequest(backend.socket, `/api/v1/notes${path}`, { method });
  assert.deepEqual((await ask('')).json(), { notes: [{ id: 1, text: 'a' }] });
  assert.equal((await ask('/changes')).text, 'event: note\ndata: {}\n\n');
  const gone = await ask('/1', 'DELETE');
  assert.deepEqual([gone.status, gone.text, notes.size], [204, '', 0]);
});

/** Whether a schema describes at least one successful reply. */
function isTold(responses: Responses): boolean {
  const successes = Object.entries(responses).filter(([status]) => /^[123]/.test(status));
  return successes.some(([status, { content }]) =>
    content === undefined
      ? status === '204' || status === '101'
      : Object.values(content).every(({ schema }) => Object.keys(schema ?? {}).length > 0),
  );
}
