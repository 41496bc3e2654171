/** The replies of a backend that is locked, still starting, unwell, or configured from everywhere: as their schemas say too. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { createTestBackend, createTestHome, localRequest, strictIssues } from '@aico/backend/testing';
import { AICOPaths } from '@aico/shared/core/paths';

type Responses = Readonly<
  Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
>;

/** The JSON of every GET without parameters, by its path; each must agree with its schema. */
async function repliesOf(socket: string): Promise<ReadonlyMap<string, string>> {
  const document = (await localRequest(socket, '/api/v1/openapi')).json() as {
    readonly paths: Readonly<Record<string, { readonly get?: { readonly responses: Responses } }>>;
  };
  const replies = new Map<string, string>();
  for (const [path, { get }] of Object.entries(document.paths)) {
    if (path.includes('{') || get?.responses['200']?.content?.['application/json'] === undefined) continue;
    const { status, text, json } = await localRequest(socket, path);
    const schema = get.responses[String(status)]?.content?.['application/json']?.schema;
    assert.deepEqual(strictIssues(schema, json()), [], `${path}: ${status} ${text}`);
    replies.set(path, text);
  }
  return replies;
}

test('a locked backend replies as its routes declare', async (t) => {
  const backend = await createTestBackend({ password: 'seven green owls on a wire' });
  t.after(() => backend.stop());
  await localRequest(backend.socket, '/api/v1/security/lock', { method: 'POST' });
  const replies = await repliesOf(backend.socket);
  assert.match(replies.get('/api/v1/security/status') ?? '', /"locked".*"password".*"memoryKiB"/);
  assert.match(replies.get('/api/v1/system/status') ?? '', /"heldBecause":"the home is locked"/);
});

test('a backend with failed and waiting services, and with arbitrary checks, replies as its routes declare', async (t) => {
  const backend = await createTestBackend({
    register(container) {
      const failed = () => Promise.reject(new Error('boom'));
      container.registerService('fixture.failed', failed, { required: false, retry: { retries: 0 } });
      container.registerService('fixture.retrying', failed, {
        required: false,
        retry: { minDelayMs: 60_000 },
      });
      container.registerService('fixture.waiting', () => 1, {
        required: false,
        dependencies: ['fixture.retrying'],
      });
    },
  });
  t.after(() => backend.stop());
  const health = backend.container.getService('health');
  const gone = { status: 'unhealthy', detail: 'gone', data: { ratio: Number.NaN } } as const;
  health.register('dire', () => gone, { critical: true });
  health.register('untyped', () => JSON.parse('{"status":"degraded","detail":7,"more":1,"data":[1]}'));
  health.register('untellable', () => ({ status: 'healthy', data: { size: 1n } }));
  backend.container
    .getService('logging')
    .getLogger('odd', 'one')
    .info('odd', { size: 1n, cause: new Error('x') });
  const replies = await repliesOf(backend.socket);
  const status = replies.get('/api/v1/system/status') ?? '';
  for (const state of ['failed', 'retrying', 'waiting'])
    assert.ok(status.includes(`"name":"fixture.${state}","state":"${state}"`), state);
  const report = JSON.parse(replies.get('/api/v1/health') ?? '');
  assert.equal(report.status, 'unhealthy');
  assert.equal(report.checks.untyped.detail, '7');
  assert.equal(report.checks.untellable.status, 'healthy');
});

test('a starting backend replies as its routes declare', async (t) => {
  const home = await createTestHome();
  t.after(() => home.remove());
  const asked = Promise.withResolvers<ReadonlyMap<string, string>>();
  const backend = await createTestBackend({
    home: home.folder,
    register(container) {
      container.registerService(
        'fixture.asks',
        async () => {
          asked.resolve(await repliesOf(new AICOPaths({ home: home.folder }).socketFile));
          return asked;
        },
        { dependencies: ['system', 'security', 'database_api', 'log_store', 'streams_api'] },
      );
    },
  });
  t.after(() => backend.stop());
  const replies = await asked.promise;
  assert.match(replies.get('/api/v1/system/status') ?? '', /"name":"fixture.asks","state":"starting"/);
});

test('a configuration from every layer is returned as the route declares', async (t) => {
  const home = await createTestHome();
  t.after(() => home.remove());
  const paths = new AICOPaths({ home: home.folder });
  paths.ensure();
  await writeFile(paths.configFile, 'plugins:\n  ghost:\n    none: null\n    list: [1, { two: 2 }]\n');
  await writeFile(paths.environmentFile('test'), 'core:\n  channel:\n    max_channels: 7\n');
  const env = { AICO_CORE__LOGGING__LEVEL: 'error' };
  const backend = await createTestBackend({ home: home.folder, env });
  t.after(() => backend.stop());
  const told = (await repliesOf(backend.socket)).get('/api/v1/system/config') ?? '';
  for (const layer of ['default', 'environment file', 'user file', 'environment variable', 'runtime'])
    assert.ok(told.includes(`{"layer":"${layer}"`), layer);
});
