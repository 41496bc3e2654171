import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { test } from 'node:test';
import { MessageBusClient } from '@aico/shared/core/bus';
import { ZeroMqTransport } from '@aico/shared/core/bus/zeromq';
import { grant } from '../../../test/fixtures/bus-component.ts';
import { NatsServer, withoutNats } from '../../../test/fixtures/nats-server.ts';
import { createTestBackend, createTestHome, type TestBackend } from '../../testing/index.ts';
import { NatsSettingsError } from '../errors.ts';

async function start(stack: AsyncDisposableStack, home: string, server?: NatsServer): Promise<TestBackend> {
  const nats =
    server === undefined
      ? {}
      : {
          'core.message_bus.nats.url': server.url,
          'core.message_bus.nats.tls.ca_file': server.certificate,
          // On a busy machine a node must not seem to be silent.
          'core.message_bus.nats.heartbeat_ms': 20_000,
        };
  const backend = await createTestBackend({ home, config: { 'core.message_bus.broker.port': 0, ...nats } });
  stack.defer(() => backend.stop());
  return backend;
}

async function checkOf(backend: TestBackend): Promise<unknown> {
  const reply = await backend.request('/api/v1/health');
  return (reply.json() as { checks: Record<string, unknown> }).checks.bus_nodes;
}

test('two backends with the keys of one home share the live bus, also with other processes', {
  skip: withoutNats,
}, async () => {
  // Released in reverse order: backends stop before their homes are removed.
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await NatsServer.start({ tls: true }));
  const [first, second] = [await createTestHome(), await createTestHome()];
  for (const home of [first, second]) stack.defer(() => home.remove());
  const before = await start(stack, first.folder);
  assert.equal(await checkOf(before), undefined, 'without a server there is no check');
  await before.stop();
  await cp(first.folder, second.folder, { recursive: true });
  const one = await start(stack, first.folder, server);
  const two = await start(stack, second.folder, server);
  const bus = one.container.getService('message_bus');
  const rights = { publish: ['journal.>', 'ask.plugin'], subscribe: ['notes.*', 'ask.journal'] };
  const transport = new ZeroMqTransport({ credential: await grant(two, 'journal', rights) });
  const journal = new MessageBusClient({ source: 'journal', transport, onError: () => {} });
  stack.defer(() => journal.close());
  await journal.connect();

  const heard = Promise.withResolvers<unknown>();
  await journal.subscribe('notes.*', (topic, message, { source }) => heard.resolve([topic, message, source]));
  await bus.publish('notes.created', { id: 7 });
  assert.deepEqual(await heard.promise, ['notes.created', { id: 7 }, 'backend']);

  const written = Promise.withResolvers<unknown>();
  await bus.subscribe('journal.written', (_topic, message, { source }) => written.resolve([message, source]));
  await journal.publish('journal.written', Uint8Array.of(1, 2));
  assert.deepEqual(await written.promise, [Uint8Array.of(1, 2), 'journal']);

  await bus.respond('ask.plugin', (_topic, message) => ({ plugin: message }));
  assert.deepEqual(await journal.request('ask.plugin', 1), { plugin: 1 });
  await journal.respond('ask.journal', (_topic, message) => ({ journal: message }));
  assert.deepEqual(await bus.request('ask.journal', 2), { journal: 2 });
  await assert.rejects(
    bus.publish('journal.written', 1).then(() => journal.publish('notes.created', 1)),
    {
      code: 'AICO_BUS_DENIED',
    },
  );

  const check = (await checkOf(one)) as { status: string; data: { peers: unknown[] } };
  assert.equal(check.status, 'healthy', JSON.stringify(check));
  assert.equal(check.data.peers.length, 1);
  await server.stop();
  await bus.publish('notes.created', { id: 8 });
  while (((await checkOf(one)) as { status: string }).status !== 'degraded') await new Promise(setImmediate);
});

test('a server that would not be reached over TLS refuses the start', async (t) => {
  const home = await createTestHome();
  t.after(() => home.remove());
  const config = { 'core.message_bus.nats.url': 'nats://10.0.0.5:4222' };
  await assert.rejects(createTestBackend({ home: home.folder, config }), ({ cause }: Error) => {
    assert.equal(cause instanceof NatsSettingsError && cause.setting, 'url');
    return true;
  });
});
