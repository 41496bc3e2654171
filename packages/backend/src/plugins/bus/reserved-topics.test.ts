import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { defineTopic, type MessageBus, MessageBusClient, RESERVED_TOPICS } from '@aico/shared/core/bus';
import { curveKeyPair, ZeroMqTransport } from '@aico/shared/core/bus/zeromq';
import { Type } from 'typebox';
import { grant } from '../../../test/fixtures/bus-component.ts';
import { createTestBackend, localRequest, type TestBackend } from '../../testing/index.ts';

/** Some topics of each row of the table. */
const RESERVED = [
  'logs',
  'logs.gateway',
  'logs.a.b',
  '_x',
  '_reply.backend.x',
  '_cancel.ask',
  '_durable.publish',
];
const HIDDEN = RESERVED.filter((topic) => topic.startsWith('_'));
const LINE = {
  time: 1,
  level: 'error',
  service: 'gateway',
  component: 'http',
  message: 'forged',
  fields: {},
};

async function start(t: TestContext): Promise<TestBackend> {
  const backend = await createTestBackend({ config: { 'core.message_bus.broker.port': 0 } });
  t.after(() => backend.stop());
  return backend;
}

/** Every way in which a component in this process publishes. */
const PUBLISHES: Readonly<Record<string, (bus: MessageBus, topic: string) => Promise<unknown>>> = {
  publish: (bus, topic) => bus.publish(topic, LINE),
  'publish with an id': (bus, topic) => bus.publish(topic, LINE, { id: 'x' }),
  'publish typed': (bus, topic) => bus.publish(defineTopic(topic, Type.Unknown()), LINE),
  'publish durably': (bus, topic) => bus.publish(topic, LINE, { durable: true }),
  request: (bus, topic) => bus.request(topic, LINE, { timeoutMs: 1 }),
};

/** Every way in which one subscribes. */
const SUBSCRIBES: Readonly<Record<string, (bus: MessageBus, pattern: string) => Promise<unknown>>> = {
  subscribe: (bus, pattern) => bus.subscribe(pattern, () => {}),
  respond: (bus, pattern) => bus.respond(pattern, () => {}),
  consume: (bus, pattern) => bus.consume(pattern, 'curious', () => {}),
};

test('the samples of this file cover every row of the table', () => {
  for (const { includes } of RESERVED_TOPICS)
    assert.ok(RESERVED.some((topic) => includes(topic.split('.')[0] ?? '')));
});

test('no component in this process publishes on a reserved topic, and the log still works', async (t) => {
  const { container } = await start(t);
  const views: MessageBusClient[] = [new MessageBusClient({ source: 'guide' })];
  const root = container.getService('message_bus');
  assert.ok(root instanceof MessageBusClient);
  views.push(root.as('plugin'));
  for (const bus of views) {
    await bus.connect();
    t.after(() => bus.close());
    for (const topic of RESERVED)
      for (const [how, publish] of Object.entries(PUBLISHES))
        await assert.rejects(
          publish(bus, topic),
          { code: 'AICO_BUS_TOPIC_RESERVED' },
          `${how} ${topic} as ${bus.source}`,
        );
    for (const topic of HIDDEN)
      for (const pattern of [topic, `${topic}.>`])
        for (const [how, subscribe] of Object.entries(SUBSCRIBES))
          await assert.rejects(
            subscribe(bus, pattern),
            { code: 'AICO_BUS_TOPIC_RESERVED' },
            `${how} ${pattern} as ${bus.source}`,
          );
    assert.throws(() => bus.as('other', { owns: ['logging'] }), { code: 'AICO_BUS_OPTION' });
  }
  const heard = Promise.withResolvers<string>();
  await views[0]?.subscribe('logs.*', (_topic, record) => {
    if (JSON.stringify(record).includes('a true line')) heard.resolve('a true line');
  });
  container.getService('logging').getLogger('plugin', 'test').info('a true line');
  assert.equal(await heard.promise, 'a true line');
});

test('a message that follows a request in the same burst is checked separately', async (t) => {
  const bus = new MessageBusClient();
  await bus.connect();
  t.after(() => bus.close());
  const seen: unknown[] = [];
  await bus.subscribe('a', (_topic, message, { id, replyto, traceparent }) => {
    seen.push([message, id === 'own', replyto !== undefined, traceparent]);
  });
  await bus.as('responder').respond('a', () => new Promise(() => {}));
  void bus.publish('a', 1, { id: 'own', traceparent: 'mine' });
  void bus.publish('a', 2);
  const asked = bus.request('a', 3, { timeoutMs: 0 });
  void bus.publish('a', 4);
  await assert.rejects(asked);
  assert.deepEqual(seen.slice(0, 2), [
    [1, true, false, 'mine'],
    [2, false, false, undefined],
  ]);
  assert.deepEqual(
    seen
      .slice(2)
      .map((each) => (Array.isArray(each) ? [each[0], each[2]] : each))
      .sort(),
    [
      [3, true],
      [4, false],
    ],
  );
});

test('no HTTP route and no grant reaches a reserved topic', async (t) => {
  const { socket } = await start(t);
  const post = async (path: string, body: object): Promise<unknown> => {
    const reply = await localRequest(socket, path, { method: 'POST', body });
    return [reply.status, (reply.json() as { code: string }).code];
  };
  const refused = [403, 'AICO_BUS_TOPIC_RESERVED'];
  const { publicKey: public_key } = curveKeyPair();
  for (const topic of RESERVED) {
    assert.deepEqual(await post('/api/v1/bus/messages', { topic, message: LINE }), refused, topic);
    assert.deepEqual(await post('/api/v1/bus/requests', { topic, message: LINE }), refused, topic);
    for (const pattern of [topic, `${topic}.>`]) {
      const grant = { component: 'forger', public_key, publish: [pattern] };
      assert.deepEqual(await post('/api/v1/bus/grants', grant), [400, 'AICO_BUS_GRANT_INVALID'], pattern);
    }
  }
  for (const topic of HIDDEN)
    for (const path of [`events?topic=${topic}`, `events?topic=${topic}.%3E`])
      assert.equal((await localRequest(socket, `/api/v1/${path}`)).status, 403, path);
});

test('no component of the broker reaches a reserved topic, whatever its grant covers', async (t) => {
  const backend = await start(t);
  const credential = await grant(backend, 'forger', { publish: ['>', '*.gateway'], subscribe: ['>'] });
  // The client claims to own the topics, so that only the broker can refuse it.
  const bus = new MessageBusClient({
    source: 'forger',
    transport: new ZeroMqTransport({ credential }),
    owns: ['bus', 'logging'],
  });
  await bus.connect();
  t.after(() => bus.close());
  for (const topic of [...RESERVED, '_cancel.logs.gateway'].filter((each) => !each.startsWith('_durable.'))) {
    if (topic === '_cancel.ask') continue;
    for (const durable of [false, true])
      await assert.rejects(
        bus.publish(topic, LINE, { durable }),
        ({ code }: { code?: string }) =>
          ['AICO_BUS_DENIED', 'AICO_BUS_REQUEST_GIVEN_UP', 'AICO_BUS_PAYLOAD'].includes(code ?? ''),
        topic,
      );
  }
  const logs = await localRequest(backend.socket, '/api/v1/logs?service=gateway');
  assert.doesNotMatch(logs.text, /forged/);
});
