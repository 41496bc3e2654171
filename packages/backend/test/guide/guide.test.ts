import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { json } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ServiceContainer } from '@aico/backend';
import { createTestBackend, createTestHome, localRequest } from '@aico/backend/testing';
import { ConfigurationManager } from '@aico/shared/core/config';
import { AICOPaths } from '@aico/shared/core/paths';
import { AICOKeyManager } from '@aico/shared/security';
import WebSocket from 'ws';
import { openChannel, pairWith } from '../fixtures/channel.ts';
import { AsyncService, ResourceManagedService } from './async-service.ts';
import { ServicePlugin } from './bus.ts';
import { ConfiguredService } from './configured-service.ts';
import { openHome } from './core-utilities.ts';
import { CustomMiddlewarePlugin } from './custom-middleware.ts';
import { DatabasePlugin } from './database-plugin.ts';
import { DatabaseService } from './database-service.ts';
import { DeploymentAwareService } from './deployment-aware-service.ts';
import { encryptedApp } from './encryption-middleware.ts';
import { HealthCheckPlugin } from './health-check-plugin.ts';
import { LoggingService } from './logging-service.ts';
import { ManagedPlugin } from './managed-plugin.ts';
import { registerMyPlugin } from './registration.ts';
import { ResilientPlugin } from './resilient-plugin.ts';
import { TypedQueries } from './typed-queries.ts';

declare module '@aico/backend/plugin' {
  interface Services {
    guide_database: DatabasePlugin;
    guide_bus: ServicePlugin;
    guide_managed: ManagedPlugin;
    guide_resilient: ResilientPlugin;
    guide_health: HealthCheckPlugin;
    guide_middleware: CustomMiddlewarePlugin;
  }
}

async function startGuideBackend(t: TestContext) {
  const backend = await createTestBackend({
    register(container) {
      registerMyPlugin(container);
      container.registerService('guide_database', () => new DatabasePlugin('guide_database', container), {
        dependencies: ['database', 'log_store'],
      });
      container.registerService('guide_bus', () => new ServicePlugin('guide_bus', container), {
        dependencies: ['message_bus'],
      });
      container.registerService('guide_managed', () => new ManagedPlugin('guide_managed', container));
      container.registerService('guide_resilient', () => new ResilientPlugin('guide_resilient', container));
      container.registerService(
        'guide_middleware',
        () => new CustomMiddlewarePlugin('guide_middleware', container),
        { dependencies: ['gateway', 'key_manager'] },
      );
      container.registerService('guide_health', () => new HealthCheckPlugin('guide_health', container), {
        dependencies: ['database', 'message_bus', 'health'],
      });
    },
  });
  t.after(() => backend.stop());
  return backend;
}

describe('the guide on a running backend', () => {
  test('every plugin in it starts, works and stops', async (t) => {
    const backend = await startGuideBackend(t);
    const { container } = backend;

    const myPlugin = container.getService('my_plugin');
    assert.ok(myPlugin.config !== undefined && myPlugin.dbConnection !== undefined);

    const reply = await localRequest(backend.socket, '/api/v1/system/status');
    assert.equal(reply.headers['x-keys'], 'open');

    const bus = container.getService('guide_bus');
    const heard = Promise.withResolvers<unknown>();
    await container
      .getService('message_bus')
      .subscribe('events.*', (topic, message) => heard.resolve({ topic, message }));
    await bus.publishEvent({ id: 'e1' });
    assert.deepEqual(await heard.promise, { topic: 'events.service', message: { id: 'e1' } });

    assert.equal(container.getService('guide_resilient').attempts, 3);
    assert.ok(container.getService('guide_managed').processed >= 1);

    const report = await localRequest(backend.socket, '/api/v1/health');
    assert.equal(report.status, 200, report.text);
    assert.match(report.text, /"guide_health":\{"status":"healthy"/);
  });

  test('a whole plugin: migrations, durable messages, routes with rights, a WebSocket', async (t) => {
    const plugins = [fileURLToPath(new URL('./notes-plugin.ts', import.meta.url))];
    const backend = await createTestBackend({ plugins });
    t.after(() => backend.stop());
    const post = (text: string, key?: string) =>
      localRequest(backend.socket, '/api/v1/notes', {
        method: 'POST',
        body: { text },
        ...(key === undefined ? {} : { headers: { 'idempotency-key': key } }),
      });

    const webSocket = new WebSocket(`ws+unix://${backend.socket}:/api/v1/notes/live`);
    t.after(() => webSocket.terminate());
    await once(webSocket, 'open');
    const told = once(webSocket, 'message');
    const added = await post('four words in all');
    assert.deepEqual([added.status, added.text], [200, '{"id":1}']);
    assert.equal(String((await told)[0]), '{"counted":1}');
    const words = await localRequest(backend.socket, '/api/v1/notes/words');
    assert.equal(words.text, '{"rows":[{"note":1,"words":4}]}');
    assert.equal((await post('')).status, 400);
    const twice = [await post('once', 'key-1'), await post('once', 'key-1')];
    assert.deepEqual(
      twice.map(({ text }) => text),
      ['{"id":2}', '{"id":2}'],
    );
    const document = await localRequest(backend.socket, '/api/v1/openapi');
    const { tags } = document.json() as { tags: readonly object[] };
    assert.deepEqual(
      tags.filter((tag) => 'name' in tag && tag.name === 'notes'),
      [{ name: 'notes', description: 'Keeps notes and counts their words' }],
      'what the declaration says of the plugin is in the document',
    );
    const absent = await localRequest(backend.socket, '/api/v1/notes/7');
    assert.deepEqual([absent.status, (absent.json() as { code: string }).code], [404, 'NOTES_UNKNOWN']);
    assert.equal(
      (await localRequest(backend.socket, '/api/v1/notes/1')).text,
      '{"id":1,"text":"four words in all"}',
    );
  });

  test('records and transactions are atomic', async (t) => {
    const { container } = await startGuideBackend(t);
    const database = container.getService('database');
    await database.migrate('guide', [
      {
        id: '001',
        sql: 'CREATE TABLE table_name (id INTEGER PRIMARY KEY, column1 TEXT UNIQUE, column2 TEXT)',
      },
    ]);
    const service = new DatabaseService(
      database,
      container.getService('logging').getLogger('guide', 'database'),
    );
    const id = await service.insertRecord({ value1: 'a', value2: 'b' });
    assert.deepEqual(await service.queryRecords('a'), [{ id, column1: 'a', column2: 'b' }]);
    const sql = 'INSERT INTO table_name (column1) VALUES (?)';
    const broken = [
      { sql, params: ['c'] },
      { sql, params: ['a'] },
    ];
    await assert.rejects(service.transactionalOperation(broken), /UNIQUE/);
    await assert.rejects(service.explicitOperation(broken), /UNIQUE/);
    assert.deepEqual(await service.queryRecords('c'), []);
    await service.explicitOperation([{ sql, params: ['d'] }]);
    await service.transactionalOperation([{ sql, params: ['e'] }]);
    assert.equal((await service.queryRecords('d')).length + (await service.queryRecords('e')).length, 2);
    const typed = new TypedQueries(database);
    assert.equal(await typed.rename('e', 'f'), 1n);
    assert.deepEqual(await typed.overview(), { count: 3, newest: 'f' });
  });

  test('a batch continues after failures; a pool and a cache keep to their limits', async (t) => {
    const { container } = await startGuideBackend(t);
    const service = new AsyncService(container.getService('logging').getLogger('guide', 'batch'));
    assert.deepEqual(await service.processBatch(['a', '', 'b']), ['A', 'B']);

    let made = 0;
    const resources = new ResourceManagedService(async (key) => {
      made += 1;
      return { key };
    });
    const [one, two] = await Promise.all([
      resources.connectionPool.get('x'),
      resources.connectionPool.get('x'),
    ]);
    assert.equal(one, two);
    assert.equal(made, 1);
    for (let index = 0; index < 1_500; index += 1) resources.cache.set(`key ${index}`, index);
    assert.equal(resources.cache.size, 1_000);
    assert.equal(resources.cache.get('key 0'), undefined);
    assert.equal(resources.cache.get('key 1499'), 1_499);
  });
});

test('configuration and environments read as in the guide', async (t) => {
  const home = await createTestHome();
  t.after(() => home.remove());
  const environments = ['development', 'production'] as const;
  for (const environment of environments) {
    const config = new ConfigurationManager({
      paths: new AICOPaths({ home: home.folder }),
      env: { AICO_ENVIRONMENT: environment },
    });
    await config.initialize({ lightweight: true });
    const { port, greeting } = new ConfiguredService(config);
    assert.deepEqual([port, greeting], [8771, 'hello']);
    const service = new DeploymentAwareService(config);
    assert.equal(service.logLevel, environment === 'production' ? 'info' : 'debug');
    assert.equal(service.enableMetrics, environment === 'production');
  }
});

test('core utilities open the home of a backend that has stopped', async (t) => {
  const home = await createTestHome();
  t.after(() => home.remove());
  const backend = await createTestBackend({ home: home.folder });
  await backend.stop();
  const { config, database } = await openHome(home.folder);
  t.after(() => database.close());
  assert.equal(config.get('environment', ''), 'development');
  assert.ok((await database.execute('SELECT count(*) AS lines FROM logs')).fetchOne() !== undefined);
});

test('a background worker continues after an error, and ends with the plugin', async () => {
  const container = new ServiceContainer();
  const plugin = new ManagedPlugin('guide_managed', container);
  plugin.pauses = { betweenMs: 1, afterErrorMs: 1 };
  const done = Promise.withResolvers<void>();
  plugin.queue.push(
    () => Promise.reject(new Error('a bad job')),
    async () => done.resolve(),
  );
  container.registerService('guide_managed', () => plugin);
  await container.start();
  await done.promise;
  await container.stop();
  assert.equal(plugin.running, false);
});

test('a logger can be created and used before the start', () => {
  new LoggingService().processRequest('r1');
});

test('encryption middleware: the whole app is behind the channel, and nothing in the clear', async (t) => {
  const home = await createTestHome();
  t.after(() => home.remove());
  const paths = new AICOPaths({ home: home.folder });
  paths.ensure();
  const keyManager = new AICOKeyManager(new ConfigurationManager({ paths }));
  await keyManager.setUp({ keyFile: true });
  await new AICOKeyManager({ slotsFile: paths.keySlotsFile, keyFile: paths.keyFile }).unlock();
  const app = encryptedApp(keyManager);
  const address = await app.listen({ port: 0 });
  t.after(() => app.close());
  const { text: code } = app.pairings.issue({ roles: [] });
  const channel = await openChannel(address, await pairWith(address, code));
  const asked = request({ path: '/hello', createConnection: () => channel, headers: { host: 'aico' } }).end();
  const [response] = await once(asked, 'response');
  assert.deepEqual(await json(response), { hello: 'from inside' });
  assert.equal((await fetch(`${address}/hello`)).status, 403);
});
