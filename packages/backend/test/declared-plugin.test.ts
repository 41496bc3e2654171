import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { registerPlugin } from '@aico/backend/host';
import {
  type Database,
  definePlugin,
  defineTopic,
  type Plugin,
  type PluginDefinition,
  Type,
} from '@aico/backend/plugin';
import { createTestBackend, localRequest } from '@aico/backend/testing';

const about = { version: '1.0.0', description: 'Under test' };
const ticked = defineTopic('clock.ticked', Type.Object({ at: Type.Integer() }));

async function startWith(t: TestContext, ...plugins: readonly PluginDefinition[]) {
  const backend = await createTestBackend({
    register(container) {
      for (const plugin of plugins) registerPlugin(container, plugin);
    },
  });
  t.after(() => backend.stop());
  return backend;
}

test('a consumer is stopped with its plugin, and resumes when the plugin starts again', async (t) => {
  const received: number[] = [];
  const waiting = new Map<number, PromiseWithResolvers<void>>();
  const receipt = (at: number): Promise<void> => {
    const waited = Promise.withResolvers<void>();
    waiting.set(at, waited);
    return waited.promise;
  };
  const backend = await startWith(
    t,
    definePlugin({
      ...about,
      name: 'ticker',
      dependencies: ['message_bus'],
      topics: [ticked],
      async start(plugin) {
        await plugin.consume(ticked, 'clock-listener', (_topic, { at }) => {
          received.push(at);
          waiting.get(at)?.resolve();
        });
      },
    }),
  );
  const { container } = backend;
  const tick = (at: number) => container.getService('message_bus').publish(ticked, { at }, { durable: true });
  const isRunning = async (): Promise<unknown> =>
    (await container.getService('streams').figures()).consumers.map(({ consumer, running }) => [
      consumer,
      running,
    ]);
  const first = receipt(1);
  await tick(1);
  await first;
  assert.deepEqual(await isRunning(), [['clock-listener', true]]);
  await container.hold(['ticker'], 'test');
  assert.deepEqual(await isRunning(), [['clock-listener', false]]);
  const second = receipt(2);
  await tick(2);
  await container.release();
  await second;
  assert.deepEqual(received, [1, 2]);
});

test('the configuration of a plugin has its defaults, is typed, and is current after a change', async (t) => {
  let started: Plugin<never, { limit: number }> | undefined;
  const backend = await startWith(
    t,
    definePlugin({
      ...about,
      name: 'limited',
      config: Type.Object({ limit: Type.Integer({ default: 3, minimum: 1 }) }),
      start(plugin) {
        started = plugin;
      },
    }),
  );
  assert.equal(started?.config.limit, 3);
  backend.config.set('plugins.limited.limit', 5);
  assert.equal(started?.config.limit, 5);
});

test('a health check that a plugin adds is called while it runs', async (t) => {
  const backend = await startWith(
    t,
    definePlugin({
      ...about,
      name: 'tired',
      start(plugin) {
        plugin.onHealthCheck(() => ({ status: 'degraded', detail: 'needs sleep' }));
      },
    }),
  );
  const reply = await localRequest(backend.socket, '/api/v1/health');
  const { checks } = reply.json() as { checks: Record<string, { detail?: string }> };
  assert.equal(checks.tired?.detail, 'needs sleep');
});

test('the tables of a plugin are created before it starts, and belong to it', async (t) => {
  let thief: Database | undefined;
  const backend = await startWith(
    t,
    definePlugin({
      ...about,
      name: 'shelf',
      dependencies: ['database'],
      migrations: [{ id: '001', sql: 'CREATE TABLE shelf (book TEXT NOT NULL)' }],
      async start(plugin) {
        await plugin.requireService('database').execute('INSERT INTO shelf VALUES (?)', ['a diary']);
      },
    }),
    definePlugin({
      ...about,
      name: 'thief',
      dependencies: ['database'],
      start(plugin) {
        thief = plugin.requireService('database');
      },
    }),
  );
  const { rows } = await backend.container.getService('database').execute('SELECT book FROM shelf');
  assert.deepEqual(rows, [{ book: 'a diary' }]);
  await assert.rejects(async () => thief?.execute('SELECT * FROM shelf'), { code: 'AICO_DATA_NOT_OWNED' });
});

test('a failing consumer is logged, with its name and the reason', async (t) => {
  const failed = Promise.withResolvers<void>();
  const backend = await startWith(
    t,
    definePlugin({
      ...about,
      name: 'ticker',
      dependencies: ['message_bus'],
      topics: [ticked],
      async start(plugin) {
        await plugin.consume(ticked, 'clock-failing', () => {
          failed.resolve();
          throw new Error('the spring is broken');
        });
      },
    }),
  );
  const { container } = backend;
  const logged = Promise.withResolvers<unknown>();
  await container.getService('message_bus').subscribe('logs.streams', (_topic, line) => logged.resolve(line));
  await container.getService('message_bus').publish(ticked, { at: 1 }, { durable: true });
  await failed.promise;
  await logged.promise;
  const reply = await localRequest(backend.socket, '/api/v1/logs?service=streams&level=warn');
  assert.match(reply.text, /clock-failing/);
  assert.match(reply.text, /the spring is broken/);
});
