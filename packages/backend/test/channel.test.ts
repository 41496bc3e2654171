import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { createTestBackend, localRequest, type TestBackendOptions } from '@aico/backend/testing';
import type { DeviceCredentials } from '@aico/protocol/channel';
import { nextFrame, openChannel, pair, pairWith, upgrade } from './fixtures/channel.ts';

async function start(t: TestContext, config: TestBackendOptions['config'] = {}) {
  const backend = await createTestBackend({ config });
  t.after(() => backend.stop());
  return backend;
}

/** One request through a channel of its own, or one that is given. */
async function through(channel: Duplex, path: string, method = 'GET', body?: unknown) {
  const asked = request({
    path,
    method,
    createConnection: () => channel,
    headers: {
      host: 'aico',
      connection: 'keep-alive',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
  });
  asked.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = await once(asked, 'response');
  return { status: response.statusCode as number, text: await text(response) };
}

test('a device pairs with a code, and reaches the routes of its role through the channel', async (t) => {
  const backend = await start(t);
  const credentials = await pair(backend, ['guest']);
  const channel = await openChannel(backend.http, credentials);
  t.after(() => channel.destroy());
  const health = await through(channel, '/api/v1/health');
  assert.equal(health.status, 200, health.text);
  assert.equal((await through(channel, '/livez')).status, 200);
  const refused = await through(channel, '/api/v1/system/stop', 'POST', {});
  assert.equal(refused.status, 403);
  assert.match(refused.text, /AICO_GATEWAY_CAPABILITY/);
  const { devices } = (await localRequest(backend.socket, '/api/v1/devices')).json() as {
    devices: { name: string; roles: string[]; lastSeenAt?: string }[];
  };
  assert.deepEqual(
    devices.map(({ name, roles }) => [name, roles]),
    [['test device', ['guest']]],
  );
});

test('a pairing code can be used once; a wrong one is refused without a reason', async (t) => {
  const backend = await start(t);
  const { code } = (
    await localRequest(backend.socket, '/api/v1/devices/pairings', { method: 'POST', body: {} })
  ).json() as { code: string };
  await pairWith(backend.http, code);
  await assert.rejects(pairWith(backend.http, code), { code: 'AICO_CHANNEL_REFUSED' });
  const { devices } = (await localRequest(backend.socket, '/api/v1/devices')).json() as {
    devices: unknown[];
  };
  assert.equal(devices.length, 1);
});

test('a revoked device is disconnected at once, and cannot reconnect', async (t) => {
  const backend = await start(t);
  const credentials = await pair(backend);
  const channel = await openChannel(backend.http, credentials);
  assert.equal((await through(channel, '/api/v1/health')).status, 200);
  const [device] = (
    (await localRequest(backend.socket, '/api/v1/devices')).json() as { devices: { id: string }[] }
  ).devices;
  const cut = once(channel, 'close').catch(() => undefined);
  channel.on('error', () => {});
  channel.resume();
  const revoked = await localRequest(backend.socket, `/api/v1/devices/${device?.id}`, { method: 'DELETE' });
  assert.equal(revoked.status, 204);
  await cut;
  await assert.rejects(openChannel(backend.http, credentials), { code: 'AICO_CHANNEL_REFUSED' });
});

test('every failure is answered with the same bytes', async (t) => {
  const backend = await start(t);
  const credentials = await pair(backend);
  const answers = new Set<string>();
  const attempts: readonly ((c: DeviceCredentials) => Uint8Array)[] = [
    () => Uint8Array.of(0, 1, 0xff),
    () => new TextEncoder().encode('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    () => Uint8Array.of(0xff, 0xff, 1, 2, 3),
    () => Uint8Array.of(0, 8, 0x41, 0x49, 0x43, 0x4f, 9, 1, 0, 0),
  ];
  for (const attempt of attempts) {
    const socket = await upgrade(backend.http);
    socket.write(attempt(credentials));
    answers.add(Buffer.from(await nextFrame(socket)).toString('hex'));
    socket.destroy();
  }
  assert.equal(answers.size, 1);
});

test('the public port opens channels and nothing else: no route in the clear, no page by DNS rebinding', async (t) => {
  const backend = await start(t);
  const { port } = new URL(backend.http);
  const raw = async (head: string): Promise<string> => {
    const socket = connect(Number(port), '127.0.0.1');
    socket.end(head);
    return text(socket);
  };
  const upgradeTo = (path: string, host: string, protocol: string) =>
    raw(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`);
  assert.match(await upgradeTo('/api/v1/health', 'localhost', 'aico-channel/1'), /^HTTP\/1\.1 403 /);
  assert.match(await upgradeTo('/channel', 'localhost', 'h2c'), /^HTTP\/1\.1 403 /);
  assert.match(await upgradeTo('/channel', 'evil.example', 'aico-channel/1'), /^HTTP\/1\.1 403 /);
  assert.match(
    await raw('GET /livez HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n'),
    /^HTTP\/1\.1 403 /,
  );
  assert.match(
    await raw(
      'GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://evil.example\r\nConnection: close\r\n\r\n',
    ),
    /^HTTP\/1\.1 403 /,
  );
  assert.match(
    await raw('GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n'),
    /^HTTP\/1\.1 200 /,
  );
});

test('an idle channel is ended after idle_ms, before a request and after one, and never during one', async (t) => {
  const backend = await start(t, { 'core.channel.idle_ms': 100 });
  const credentials = await pair(backend);
  await backend.container.getService('gateway').mount('slow', (app) => {
    app.get('/', { config: { access: 'public' } }, async () => {
      await new Promise((resolve) => setTimeout(resolve, 400));
      return 'late';
    });
  });
  const resting = await openChannel(backend.http, credentials);
  resting.resume();
  await once(resting, 'end');
  resting.destroy();
  const used = await openChannel(backend.http, credentials);
  t.after(() => used.destroy());
  assert.equal((await through(used, '/api/v1/slow')).text, 'late');
  used.resume();
  if (!used.readableEnded) await once(used, 'end');
});

test('a source that opens too many channels gets the time of its next attempt', async (t) => {
  const backend = await start(t, {
    'core.channel.handshake_burst': 2,
    'core.channel.handshakes_per_minute': 1,
  });
  const sockets = [await upgrade(backend.http), await upgrade(backend.http)];
  t.after(() => sockets.map((socket) => socket.destroy()));
  await assert.rejects(upgrade(backend.http), /429 Too Many Requests[\s\S]*Retry-After: \d+/);
});
