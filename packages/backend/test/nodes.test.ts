import assert from 'node:assert/strict';
import { once } from 'node:events';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { createTestBackend, localRequest } from '@aico/backend/testing';
import { Leases } from '@aico/shared/data/leases';
import { AICOKeyManager, NodeKey } from '@aico/shared/security';
import { type Backend, startBackend } from '../src/backend.ts';
import { NodeRegistry } from '../src/nodes/node-registry.ts';
import { createTestHome } from '../src/testing/test-home.ts';
import { pairWith } from './fixtures/channel.ts';
import { ChannelAgent } from './fixtures/channel-agent.ts';
import { Device } from './fixtures/through-channel.ts';

const SETTINGS = { 'core.database.url': 'postgres://aico:secret@db.example/aico' };

const UNRECORDED = { within: async () => {} };

const overrides = {
  environment: 'test',
  'core.api_gateway.rest.port': 0,
  'core.logging.console.enabled': false,
  'core.database.keyring_witness': false,
};

/** A home on an embedded database that passes for a shared one: its nodes are in one process. */
async function sharedHome(t: TestContext) {
  const home = await createTestHome();
  const start = () =>
    startBackend({ home: home.folder, env: {}, overrides }, { sharedSettings: () => SETTINGS });
  const backends: Backend[] = [];
  t.after(async () => {
    for (const backend of backends) await backend.stop();
    await home.remove();
  });
  const open = async (): Promise<Backend> => {
    const backend = await start();
    backends.push(backend);
    return backend;
  };
  return { folder: home.folder, backend: await open(), open };
}

interface NodeView {
  readonly id: string;
  readonly name: string;
  readonly isPresent: boolean;
  readonly isSelf: boolean;
}

const ask = (backend: Backend, place: string, method = 'GET', body?: unknown) =>
  localRequest(backend.socket, `/api/v1/nodes${place}`, { method, ...(body === undefined ? {} : { body }) });

async function nodesOf(backend: Backend): Promise<readonly NodeView[]> {
  return ((await ask(backend, '')).json() as { nodes: readonly NodeView[] }).nodes;
}

/** A machine that has used an invitation, and what it may do then. */
async function invited(t: TestContext, backend: Backend) {
  const { code } = (await ask(backend, '/invitations', 'POST')).json() as { code: string };
  const agent = new ChannelAgent(backend.http, await pairWith(backend.http, code), 1);
  t.after(() => agent.destroy());
  const device = new Device(agent);
  const join = (key: NodeKey) =>
    device.ask('/api/v1/nodes', {
      body: { name: 'attic', publicKey: Buffer.from(key.publicKey).toString('base64url') },
    });
  return { device, join };
}

test('a home with an embedded database has no nodes, and says what to do instead of inviting one', async (t) => {
  const backend = await createTestBackend();
  t.after(() => backend.stop());
  const list = await backend.request('/api/v1/nodes');
  assert.deepEqual(list.json(), { shared: false, nodes: [] });
  const refused = await backend.request('/api/v1/nodes/invitations', { method: 'POST' });
  const problem = refused.json() as { code: string; hint: string };
  assert.deepEqual([refused.status, problem.code], [409, 'AICO_NODE_DATABASE_EMBEDDED']);
  assert.match(problem.hint, /core\.database\.url/);
  const { rows } = await backend.container
    .getService('database')
    .execute("SELECT owner FROM _aico_migrations WHERE owner IN ('leases', 'nodes')");
  assert.deepEqual(rows, []);
});

test('an invited machine joins: it receives the root key sealed to its own key and the settings, once', async (t) => {
  const { folder, backend } = await sharedHome(t);
  const [self, ...none] = await nodesOf(backend);
  assert.deepEqual([self?.isSelf, none], [true, []]);
  const { device, join } = await invited(t, backend);
  assert.equal((await device.ask('/api/v1/nodes')).status, 403, 'an invitation allows joining alone');
  const key = await NodeKey.create(path.join(folder, 'other.key'));
  const joined = await join(key);
  assert.equal(joined.status, 201);
  const { id, rootKey, settings } = joined.json() as {
    id: string;
    rootKey: Parameters<NodeKey['open']>[0];
    settings: object;
  };
  assert.deepEqual([id, settings], [key.id, SETTINGS]);
  const keys = new AICOKeyManager({
    slotsFile: path.join(folder, 'other-slots.json'),
    keyFile: path.join(folder, 'other-aico.key'),
  });
  await keys.setUp({ keyFile: true, root: { sealed: rootKey, key } });
  const own = backend.container.getService('key_manager');
  assert.deepEqual(keys.deriveKey('bus/nodes'), own.deriveKey('bus/nodes'));

  await assert.rejects(
    (async () => {
      for (;;) assert.equal((await join(key)).status, 403);
    })(),
    (error: Error) => !(error instanceof assert.AssertionError),
    'the invitation ends with its channel',
  );
  const devices = await localRequest(backend.socket, '/api/v1/devices');
  assert.deepEqual(devices.json(), { devices: [] });
  const [, second] = await nodesOf(backend);
  assert.deepEqual([second?.id, second?.name, second?.isPresent], [key.id, 'attic', false]);
  const { rows } = await backend.container
    .getService('database')
    .execute<{ action: string; subject: string }>(
      "SELECT action, subject FROM audit WHERE action LIKE 'node.%' ORDER BY seq",
    );
  assert.deepEqual(
    rows.map(({ action, subject }) => [action, subject]),
    [
      ['node.joined', self?.id],
      ['node.invited', ''],
      ['node.joined', key.id],
    ],
  );
});

test('a node is present while it holds its lease, and a removed one stops and starts no more', async (t) => {
  const { folder, backend, open } = await sharedHome(t);
  const database = backend.container.getService('database');
  const registry = new NodeRegistry({ database, audit: UNRECORDED });
  const key = await NodeKey.create(path.join(folder, 'other.key'));
  const [self] = await nodesOf(backend);
  assert.ok(self);
  assert.equal((await ask(backend, `/${self.id}`, 'DELETE')).status, 409, 'the last node is not removed');
  assert.equal((await ask(backend, '/0000000000000000', 'DELETE')).status, 404);
  await registry.add({ name: 'attic', publicKey: key.publicKey });
  await assert.rejects(registry.add({ name: 'attic', publicKey: key.publicKey }), {
    code: 'AICO_NODE_TAKEN',
  });
  const leases = new Leases({ database, node: key.id });
  t.after(() => leases.close());
  const taken = Promise.withResolvers<void>();
  leases.apply(`node/${key.id}`, async ({ signal }) => {
    taken.resolve();
    await once(signal, 'abort');
  });
  await taken.promise;
  assert.equal((await nodesOf(backend)).find(({ id }) => id === key.id)?.isPresent, true);
  await leases.close();
  assert.equal((await nodesOf(backend)).find(({ id }) => id === key.id)?.isPresent, false);

  const stopped = new Promise<void>((resolve) => backend.lifecycle.afterStop(async () => resolve()));
  assert.equal((await ask(backend, `/${self.id}`, 'DELETE')).status, 204);
  await stopped;
  await backend.stop();
  await assert.rejects(open(), (error: Error) => {
    let cause: unknown = error;
    while (cause instanceof Error && !('code' in cause && cause.code === 'AICO_NODE_REMOVED'))
      cause = cause.cause;
    return cause instanceof Error;
  });
});

test('a database that belongs to another home is refused', async (t) => {
  const { backend } = await sharedHome(t);
  const database = backend.container.getService('database');
  await assert.rejects(new NodeRegistry({ database, audit: UNRECORDED }).start('0123456789abcdef'), {
    code: 'AICO_NODE_OTHER_HOME',
  });
});
