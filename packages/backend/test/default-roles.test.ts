/** The default roles that may call each route. A new route must be added here. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestBackend } from '@aico/backend/testing';
import { isAccess } from '../src/core/access.ts';
import { DEFAULT_ROLES, Roles } from '../src/devices/roles.ts';
import { startWorld } from './fixtures/through-channel.ts';

/** The roles that may call each built-in route, besides the owner at the machine itself, who may call all. */
const ROUTES: Readonly<Record<string, string>> = {
  'GET /api/v1/audit': 'owner',
  'GET /api/v1/bus/clients': 'owner',
  'GET /api/v1/bus/grants': 'owner',
  'GET /api/v1/bus/stats': 'owner',
  'GET /api/v1/database/stats': 'owner',
  'GET /api/v1/database/status': 'owner',
  'GET /api/v1/devices': 'owner',
  'GET /api/v1/events': 'owner guest nothing',
  'GET /api/v1/events/ws': 'owner guest nothing',
  'GET /api/v1/health': 'owner guest',
  'GET /api/v1/logs': 'owner',
  'DELETE /api/v1/logs': 'owner',
  'GET /api/v1/logs/counts': 'owner',
  'GET /api/v1/logs/{id}': 'owner',
  'GET /api/v1/logs/levels': 'owner',
  'GET /api/v1/logs/stream': 'owner',
  'GET /api/v1/nodes': 'owner',
  'GET /api/v1/openapi': 'owner guest nothing',
  'GET /api/v1/security/status': 'owner',
  'GET /api/v1/streams': 'owner',
  'GET /api/v1/streams/dead-letters': 'owner',
  'POST /api/v1/streams/consumers/forget': 'owner',
  'POST /api/v1/streams/dead-letters/drop': 'owner',
  'GET /api/v1/system/config': 'owner',
  'GET /api/v1/plugins': 'owner guest',
  'GET /api/v1/plugins/{name}': 'owner guest',
  'POST /api/v1/plugins/{name}/disable': 'owner',
  'POST /api/v1/plugins/{name}/enable': 'owner',
  'POST /api/v1/plugins/{name}/reload': 'owner',
  'GET /api/v1/system/status': 'owner guest',
  'POST /api/v1/audit/verify': 'owner',
  'POST /api/v1/bus/grants': 'owner',
  'POST /api/v1/bus/messages': 'owner',
  'POST /api/v1/bus/open': 'owner',
  'POST /api/v1/bus/requests': 'owner',
  'POST /api/v1/database/backup': 'owner',
  'POST /api/v1/database/check': 'owner',
  'POST /api/v1/database/query': 'owner',
  'POST /api/v1/database/vacuum': 'owner',
  'POST /api/v1/devices/pairings': 'owner',
  'POST /api/v1/nodes': '',
  'POST /api/v1/nodes/invitations': '',
  'POST /api/v1/logs/archive': 'owner',
  'POST /api/v1/security/lock': 'owner',
  'POST /api/v1/security/unlock': 'owner',
  'POST /api/v1/streams/dead-letters/replay': 'owner',
  'POST /api/v1/system/stop': 'owner',
  'PUT /api/v1/logs/levels': 'owner',
  'PATCH /api/v1/devices/{id}': 'owner',
  'DELETE /api/v1/bus/grants/{component}': 'owner',
  'DELETE /api/v1/nodes/{id}': '',
  'DELETE /api/v1/devices/{id}': 'owner',
};

const DEFAULTS = { ...DEFAULT_ROLES, nothing: [] };

test('every built-in route is permitted to the default roles in the table, and to no others', async (t) => {
  const backend = await createTestBackend();
  t.after(() => backend.stop());
  const { paths } = await backend.container.getService('gateway').openApi('test');
  const roles = new Roles(DEFAULTS);
  const found = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const access =
        typeof operation === 'object' && operation !== null && 'x-aico-access' in operation
          ? operation['x-aico-access']
          : undefined;
      assert.ok(isAccess(access), `${method} ${path}`);
      const who = Object.keys(DEFAULTS).filter((role) => roles.permit([role], access));
      return [`${method.toUpperCase()} ${path}`, who.join(' ')];
    }),
  );
  assert.deepEqual(Object.fromEntries(found), ROUTES);
});

test('the table holds through a channel', async (t) => {
  const { device } = await startWorld(t, (app) => void app.get('/', () => 'here'), {
    config: { 'core.devices.roles': DEFAULTS },
  });
  for (const role of ['guest', 'nothing']) {
    const { ask } = await device(role).then((made) => ({ ask: made.ask.bind(made) }));
    for (const [route, who] of Object.entries(ROUTES)) {
      const [method = '', path = ''] = route.split(' ');
      // Other tests call the permitted routes.
      if (who.split(' ').includes(role)) continue;
      const body = method === 'POST' || method === 'PATCH' ? {} : undefined;
      const { status } = await ask(path.replace(/\{\w+\}/, 'x'), { method, body });
      assert.equal(status, 403, `${role}: ${route}`);
    }
    for (const topic of ['>', '*', 'logs.*', 'bus.*', 'security.*'])
      assert.equal((await ask(`/api/v1/events?topic=${topic}`)).status, 403, `${role}: ${topic}`);
  }
});

test('a device with all rights but the root ones runs no query, and grants no right it lacks', async (t) => {
  const { device, backend } = await startWorld(t, (app) => void app.get('/', () => 'here'), {
    config: { 'core.devices.roles': { ...DEFAULTS, manager: ['*'] } },
  });
  const query = { method: 'POST', body: { sql: 'SELECT psk FROM device' } };
  const manager = await device('manager');
  const refused = await manager.ask('/api/v1/database/query', query);
  assert.equal(refused.status, 403);
  assert.match(String(refused.json().hint), /No wildcard/);
  const { devices } = (await manager.ask('/api/v1/devices')).json() as { devices: readonly { id: string }[] };
  const own = `/api/v1/devices/${devices[0]?.id}`;
  for (const [path, options] of [
    [own, { method: 'PATCH', body: { roles: ['owner'] } }],
    ['/api/v1/devices/pairings', { method: 'POST', body: { roles: ['owner'] } }],
  ] as const) {
    const given = await manager.ask(path, options);
    assert.deepEqual([given.status, given.json().code], [403, 'AICO_DEVICE_ROLE_BEYOND'], path);
  }
  assert.equal(
    (await manager.ask('/api/v1/devices/pairings', { method: 'POST', body: { roles: ['guest'] } })).status,
    201,
  );
  const owner = await device('owner');
  assert.equal((await owner.ask('/api/v1/database/query', query)).status, 200);
  assert.ok(backend.lifecycle.ready);
});
