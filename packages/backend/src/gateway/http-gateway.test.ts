import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { createLogging } from '@aico/shared/core/logging';
import { Type } from 'typebox';
import type { DeclareRoutes } from '../core/gateway.ts';
import { localRequest } from '../testing/local-request.ts';
import { MountNameError, MountTakenError, PortTakenError } from './errors.ts';
import { HttpGateway, type HttpGatewayOptions } from './http-gateway.ts';

const PUBLIC = { config: { access: 'public' } } as const;
const CANARY = 'canary-7f3a91';

async function startGateway(t: TestContext, options: Partial<HttpGatewayOptions> = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), 'aico-gateway-'));
  const logging = createLogging({ level: 'fatal', console: { enabled: false } });
  const gateway = new HttpGateway({
    config: { rest: { host: '127.0.0.1', port: 0 }, allowed_hosts: [], max_header_kib: 16, max_body_mib: 1 },
    socketFile: path.join(folder, 'api.sock'),
    readiness: async () => ({ ready: true }),
    logger: logging.getLogger('gateway', 'test'),
    ...options,
  });
  await gateway.start();
  t.after(async () => {
    await gateway.stop();
    await logging.close();
    await rm(folder, { recursive: true, force: true });
  });
  const { socket, http } = gateway.addresses;
  assert.ok(socket !== undefined && http !== undefined);
  return { gateway, socket, http, folder };
}

describe('HttpGateway', () => {
  test('the socket serves a mounted route, the public port does not', async (t) => {
    const { gateway, socket, http } = await startGateway(t);
    await gateway.mount('notes', (app) => {
      app.get('/', PUBLIC, () => ({ notes: [CANARY] }));
    });
    const inside = await localRequest(socket, '/api/v1/notes');
    assert.equal(inside.status, 200);
    assert.deepEqual(inside.json(), { notes: [CANARY] });
    const outside = await localRequest(http, '/api/v1/notes');
    assert.equal(outside.status, 403);
    assert.ok(!outside.text.includes(CANARY));
  });

  test('the public port refuses every method and path with the same bytes', async (t) => {
    const { gateway, http } = await startGateway(t);
    await gateway.mount('notes', (app) => {
      app.all('/', PUBLIC, () => ({ secret: CANARY }));
    });
    const bodies = new Set<string>();
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      for (const target of [
        '/',
        '/api/v1/notes',
        '/api/v1/nothing',
        '/livez/../api/v1/notes',
        '/readyzz',
        '*',
      ]) {
        const reply = await localRequest(http, target, { method });
        assert.equal(reply.status, 403, `${method} ${target}`);
        bodies.add(reply.text);
      }
    }
    assert.equal(bodies.size, 1);
  });

  test('readiness follows the probe, and the public port does not reveal the reason', async (t) => {
    let ready = false;
    const { socket, http } = await startGateway(t, {
      readiness: async () => (ready ? { ready } : { ready, reason: CANARY }),
    });
    const outside = await localRequest(http, '/readyz');
    assert.equal(outside.status, 503);
    assert.deepEqual(outside.json(), { status: 'not ready' });
    assert.deepEqual((await localRequest(socket, '/readyz')).json(), { status: 'not ready', reason: CANARY });
    ready = true;
    assert.equal((await localRequest(http, '/readyz')).status, 200);
    assert.equal((await localRequest(http, '/livez')).status, 200);
  });

  test('a probe that fails counts as not ready', async (t) => {
    const { http } = await startGateway(t, { readiness: () => Promise.reject(new Error(CANARY)) });
    const reply = await localRequest(http, '/readyz');
    assert.equal(reply.status, 503);
    assert.ok(!reply.text.includes(CANARY));
  });

  test('a request that does not fit its schema is refused with location and reason, without quoting it', async (t) => {
    const { gateway, socket } = await startGateway(t);
    await gateway.mount('notes', (app) => {
      app.post(
        '/',
        { ...PUBLIC, schema: { body: Type.Object({ title: Type.String(), stars: Type.Integer() }) } },
        ({ body }) => ({
          title: body.title,
          next: body.stars + 1,
        }),
      );
    });
    const good = await localRequest(socket, '/api/v1/notes', {
      method: 'POST',
      body: { title: 'x', stars: 1 },
    });
    assert.deepEqual(good.json(), { title: 'x', next: 2 });
    const bad = await localRequest(socket, '/api/v1/notes', {
      method: 'POST',
      body: { title: 7, stars: CANARY },
    });
    assert.equal(bad.status, 400);
    assert.equal(bad.headers['content-type'], 'application/problem+json; charset=utf-8');
    assert.match(bad.text, /AICO_GATEWAY_REQUEST_INVALID/);
    assert.match(bad.text, /body\/title/);
    assert.match(bad.text, /body\/stars/);
    assert.ok(!bad.text.includes(CANARY));
  });

  test('query text is converted to its type and defaults are filled in', async (t) => {
    const { gateway, socket } = await startGateway(t);
    await gateway.mount('notes', (app) => {
      const schema = { querystring: Type.Object({ limit: Type.Integer({ default: 50, maximum: 100 }) }) };
      app.get('/', { ...PUBLIC, schema }, ({ query }) => ({ limit: query.limit }));
    });
    assert.deepEqual((await localRequest(socket, '/api/v1/notes')).json(), { limit: 50 });
    assert.deepEqual((await localRequest(socket, '/api/v1/notes?limit=7')).json(), { limit: 7 });
    assert.equal((await localRequest(socket, '/api/v1/notes?limit=700')).status, 400);
  });

  test('an unexpected error is a constant problem: its message stays in the log', async (t) => {
    const { gateway, socket } = await startGateway(t);
    await gateway.mount('notes', (app) => {
      app.get('/', PUBLIC, () => {
        throw new Error(CANARY);
      });
    });
    const reply = await localRequest(socket, '/api/v1/notes');
    assert.equal(reply.status, 500);
    assert.match(reply.text, /AICO_PROBLEM_INTERNAL/);
    assert.ok(!reply.text.includes(CANARY));
  });

  test('unmounting answers pending requests, then serves no more; other mounts are not affected', async (t) => {
    const { gateway, socket } = await startGateway(t);
    const entered = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const unmount = await gateway.mount('slow', (app) => {
      app.get('/', PUBLIC, async () => {
        entered.resolve();
        await finish.promise;
        return { done: true };
      });
    });
    await gateway.mount('other', (app) => {
      app.get('/', PUBLIC, () => ({ here: true }));
    });
    const inFlight = localRequest(socket, '/api/v1/slow');
    await entered.promise;
    const unmounted = unmount();
    assert.equal((await localRequest(socket, '/api/v1/slow')).status, 404);
    finish.resolve();
    assert.deepEqual((await inFlight).json(), { done: true });
    await unmounted;
    assert.equal((await localRequest(socket, '/api/v1/other')).status, 200);
    await gateway.mount('slow', (app) => {
      app.get('/', PUBLIC, () => ({ again: true }));
    });
    assert.deepEqual((await localRequest(socket, '/api/v1/slow')).json(), { again: true });
  });

  test('a mount name that is taken or invalid is refused, and so are routes that cannot be declared', async (t) => {
    const { gateway, socket } = await startGateway(t);
    await gateway.mount('notes', () => {});
    await assert.rejects(
      gateway.mount('notes', () => {}),
      MountTakenError,
    );
    for (const name of ['', '../up', 'A', 'a/b', 'a b', '__proto__x!']) {
      await assert.rejects(
        gateway.mount(name, () => {}),
        MountNameError,
        name,
      );
    }
    await assert.rejects(
      gateway.mount('broken', () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal((await localRequest(socket, '/api/v1/broken')).status, 404);
  });

  test('routes that are declared late are built once, for the first requests, and are in the OpenAPI document', async (t) => {
    const { gateway, socket } = await startGateway(t, { declaresLate: (plugin) => plugin !== 'at-start' });
    let builds = 0;
    const declare: DeclareRoutes = async (app) => {
      builds += 1;
      await new Promise((resolve) => setImmediate(resolve));
      app.get('/', PUBLIC, () => ({ here: true }));
    };
    for (const plugin of ['late', 'later', 'never']) await gateway.mount(plugin, declare, { plugin });
    assert.equal(builds, 0);
    const replies = await Promise.all([1, 2].map(() => localRequest(socket, '/api/v1/late')));
    assert.deepEqual([replies.map((reply) => reply.json()), builds], [[{ here: true }, { here: true }], 1]);
    assert.ok('/api/v1/later' in (await gateway.openApi('1')).paths);
    assert.equal(builds, 3);
    await gateway.mount('early', declare, { plugin: 'at-start' });
    assert.equal(builds, 4);
  });

  test('a mount is removed while its late routes are built: its pending request is answered, and no other', async (t) => {
    const { gateway, socket } = await startGateway(t, { declaresLate: () => true });
    const [building, built] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const declare: DeclareRoutes = async (app) => {
      building.resolve();
      await built.promise;
      app.get('/', PUBLIC, () => ({ here: true }));
    };
    const unmount = await gateway.mount('late', declare, { plugin: 'late' });
    const pending = localRequest(socket, '/api/v1/late');
    await building.promise;
    const unmounted = unmount();
    assert.equal((await localRequest(socket, '/api/v1/late')).status, 404);
    built.resolve();
    assert.deepEqual((await pending).json(), { here: true });
    await unmounted;
  });

  test('late routes that cannot be declared fail their requests without a reason, and are declared again', async (t) => {
    const { gateway, socket } = await startGateway(t, { declaresLate: () => true });
    let fails = true;
    const declare: DeclareRoutes = (app) => {
      if (fails) throw new Error(CANARY);
      app.get('/', PUBLIC, () => ({ here: true }));
    };
    await gateway.mount('late', declare, { plugin: 'late' });
    const refused = await localRequest(socket, '/api/v1/late');
    assert.deepEqual([refused.status, refused.text.includes(CANARY)], [500, false]);
    await assert.rejects(gateway.openApi('1'), { message: CANARY });
    fails = false;
    assert.equal((await localRequest(socket, '/api/v1/late')).status, 200);
    assert.ok('/api/v1/late' in (await gateway.openApi('1')).paths);
  });

  test('a busy port is refused by name, and the socket is not left behind', async (t) => {
    const occupant = createServer();
    await new Promise<void>((resolve) => occupant.listen(0, '127.0.0.1', resolve));
    t.after(() => occupant.close());
    const { port } = occupant.address() as AddressInfo;
    const folder = await mkdtemp(path.join(tmpdir(), 'aico-gateway-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const logging = createLogging({ level: 'fatal', console: { enabled: false } });
    t.after(() => logging.close());
    const socketFile = path.join(folder, 'api.sock');
    const gateway = new HttpGateway({
      config: { rest: { host: '127.0.0.1', port }, allowed_hosts: [], max_header_kib: 16, max_body_mib: 1 },
      socketFile,
      readiness: async () => ({ ready: true }),
      logger: logging.getLogger('gateway', 'test'),
    });
    await assert.rejects(gateway.start(), (error) => error instanceof PortTakenError && error.port === port);
    await assert.rejects(stat(socketFile), { code: 'ENOENT' });
  });

  test('a socket left by a killed process is replaced, and only the owner may open it', async (t) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'aico-gateway-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const socketFile = path.join(folder, 'api.sock');
    await writeFile(socketFile, 'left over');
    const { socket } = await startGateway(t, { socketFile });
    assert.equal((await stat(socket)).mode & 0o777, 0o600);
    assert.equal((await localRequest(socket, '/livez')).status, 200);
  });

  test('bytes that are not HTTP do not affect it', async (t) => {
    const { http } = await startGateway(t);
    const { hostname, port } = new URL(http);
    await new Promise<void>((resolve, reject) => {
      const raw = connect(Number(port), hostname, () => raw.end('\x16\x03\x01 not http at all\r\n\r\n'));
      raw.on('close', () => resolve());
      raw.on('error', reject);
      raw.resume();
    });
    assert.equal((await localRequest(http, '/livez')).status, 200);
  });
});
