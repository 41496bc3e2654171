import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { defineTopic } from '@aico/shared/core/bus';
import { curveKeyPair } from '@aico/shared/core/bus/zeromq';
import { Type } from 'typebox';
import { connect, grant } from '../../../test/fixtures/bus-component.ts';
import { definePlugin } from '../../core/plugin/plugin-definition.ts';
import { createTestBackend, createTestHome, localRequest, type TestBackend } from '../../testing/index.ts';

async function start(t: TestContext, home?: string): Promise<TestBackend> {
  const backend = await createTestBackend({
    ...(home === undefined ? {} : { home }),
    config: { 'core.message_bus.broker.port': 0 },
  });
  t.after(() => backend.stop());
  return backend;
}

test('a home without grants opens no port', async (t) => {
  const backend = await start(t);
  assert.equal(backend.container.getService('bus_broker').broker, undefined);
});

test("a plugin and another process receive each other's messages", async (t) => {
  const backend = await start(t);
  const plugins = backend.container.getService('message_bus');
  const journal = await connect(
    t,
    await grant(backend, 'journal', { publish: ['journal.>'], subscribe: ['notes.*'] }),
  );
  const inside = Promise.withResolvers<unknown>();
  const outside = Promise.withResolvers<unknown>();
  await plugins.subscribe('journal.written', (topic, message, { source, id }) =>
    inside.resolve({ topic, message, source, id: id.length }),
  );
  await journal.subscribe('notes.*', (topic, message, { source }) =>
    outside.resolve({ topic, message, source }),
  );
  await plugins.publish('notes.created', { id: 7 });
  await journal.publish('journal.written', { page: [1, 'two'] });
  assert.deepEqual(await outside.promise, {
    topic: 'notes.created',
    message: { id: 7 },
    source: 'backend',
  });
  assert.deepEqual(await inside.promise, {
    topic: 'journal.written',
    message: { page: [1, 'two'] },
    source: 'journal',
    id: 36,
  });
});

test('requests are answered in both directions, and bytes, MessagePack and ids are preserved', async (t) => {
  const backend = await start(t);
  const plugins = backend.container.getService('message_bus');
  const journal = await connect(
    t,
    await grant(backend, 'journal', { publish: ['ask.inside', 'raw'], subscribe: ['ask.outside'] }),
  );
  await plugins.respond('ask.inside', (_topic, message) => ({ inside: message }));
  await journal.respond('ask.outside', (_topic, message) => ({ outside: message }));
  assert.deepEqual(await journal.request('ask.inside', 1), { inside: 1 });
  assert.deepEqual(await plugins.request('ask.outside', 2), { outside: 2 });
  const seen: unknown[] = [];
  const both = Promise.withResolvers<void>();
  await plugins.subscribe('raw', (_topic, message, { id }) => {
    seen.push({ message, id });
    if (seen.length === 2) both.resolve();
  });
  await journal.publish('raw', Uint8Array.of(1, 2), { id: 'my own' });
  const at = new Date(0);
  await journal.publish('raw', { at }, { id: 'packed', contentType: 'application/msgpack' });
  await both.promise;
  assert.deepEqual(seen, [
    { message: Uint8Array.of(1, 2), id: 'my own' },
    { message: { at }, id: 'packed' },
  ]);
});

test('a device reaches no topic of the bus itself, and gets an error when no component answers', async (t) => {
  const { socket } = await start(t);
  const refused = async (path: string, body?: object) => {
    const reply = await localRequest(socket, path, body === undefined ? {} : { method: 'POST', body });
    return [reply.status, (reply.json() as { code: string }).code];
  };
  for (const topic of ['_reply.backend.x', '_cancel.ask', '_durable.publish', '_x']) {
    const expected = [403, 'AICO_BUS_TOPIC_RESERVED'];
    assert.deepEqual(await refused('/api/v1/bus/messages', { topic, message: 1 }), expected);
    assert.deepEqual(await refused('/api/v1/bus/requests', { topic, message: 1 }), expected);
    assert.deepEqual(await refused(`/api/v1/events?topic=${topic}`), expected);
    assert.deepEqual(await refused(`/api/v1/events?topic=${topic}.%3E`), expected);
  }
  assert.deepEqual(await refused('/api/v1/bus/requests', { topic: 'unanswered', message: 1 }), [
    503,
    'AICO_BUS_NO_RESPONDER',
  ]);
});

test('grants and keys survive a restart', async (t) => {
  const home = await createTestHome();
  t.after(() => home.remove());
  const first = await start(t, home.folder);
  const credential = await grant(first, 'journal', { publish: ['>'] });
  await first.stop();
  const second = await start(t, home.folder);
  const endpoints = [...(second.container.getService('bus_broker').broker?.endpoints ?? [])];
  const journal = await connect(t, { ...credential, endpoints });
  await journal.publish('notes.created', 1);
});

test('a manipulated grants file grants nothing', async (t) => {
  const home = await createTestHome();
  t.after(() => home.remove());
  const first = await start(t, home.folder);
  await grant(first, 'journal', { publish: ['notes.*'] });
  const file = path.join(first.paths.dataDir, 'bus-grants.json');
  await first.stop();
  await writeFile(file, (await readFile(file, 'utf8')).replace('notes.*', '>'));
  await assert.rejects(start(t, home.folder), (error: Error) =>
    /AICO_BUS_GRANTS_DAMAGED/.test(inspectAll(error)),
  );
});

test('an invalid grant is refused with a reason', async (t) => {
  const { socket } = await start(t);
  const { publicKey } = curveKeyPair();
  const cases = [
    { component: 'no name', public_key: publicKey },
    { component: 'ok', public_key: ' '.repeat(40) },
    { component: 'ok', public_key: publicKey, publish: ['a..b'] },
    { component: 'ok', public_key: publicKey, subscribe: ['_reply.>'] },
  ];
  for (const body of cases) {
    const reply = await localRequest(socket, '/api/v1/bus/grants', { method: 'POST', body });
    assert.equal(reply.status, 400, JSON.stringify(body) + reply.text);
  }
  assert.equal((await localRequest(socket, '/api/v1/bus/grants/unknown', { method: 'DELETE' })).status, 404);
});

test('a message over the API that does not fit the topic that a plugin declares is refused', async (t) => {
  const added = defineTopic('notes.added', Type.Object({ id: Type.Integer() }));
  const about = { name: 'notes', version: '1.0.0', description: 'Keeps notes' };
  const backend = await createTestBackend({
    plugins: [definePlugin({ ...about, dependencies: ['message_bus'], topics: [added], start() {} })],
  });
  t.after(() => backend.stop());
  const send = (route: string) => (topic: string, message: unknown) =>
    backend.request(`/api/v1/bus/${route}`, { method: 'POST', body: { topic, message } });
  const publish = send('messages');
  for (const post of [publish, send('requests')]) {
    const refused = await post('notes.added', { id: 'seven' });
    assert.equal(refused.status, 400);
    assert.match(refused.text, /body\/message\/id must be integer/);
  }
  assert.equal((await publish('notes.added', { id: 7 })).status, 202);
  assert.equal((await publish('notes.other', { id: 'seven' })).status, 202);
});

/** The codes of an error and of all it was caused by. */
function inspectAll(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const code = 'code' in error ? String(error.code) : '';
  const inner = error instanceof AggregateError ? error.errors.map(inspectAll).join(' ') : '';
  return `${code} ${error.message} ${inspectAll(error.cause)} ${inner}`;
}
