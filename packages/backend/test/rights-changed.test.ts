/** Rights are checked again when they change: open streams of the device end and are authorised again on reconnection. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { localRequest } from '@aico/backend/testing';
import WebSocket from 'ws';
import { openChannel, pair } from './fixtures/channel.ts';
import { type Device, startWorld } from './fixtures/through-channel.ts';

const FOLLOWED = ['/api/v1/logs/stream', '/api/v1/events?topic=test.*'];

/** Begins to read an endless reply. @returns a promise of its end */
async function follow(device: Device, path: string): Promise<{ readonly ended: Promise<unknown> }> {
  const asked = device.begin(path).on('error', () => {});
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  assert.equal(response.statusCode, 200, path);
  await once(response, 'data');
  response.on('error', () => {}).resume();
  return { ended: once(response, 'close') };
}

test('a device that loses a role loses its streams, its WebSockets and pending requests; another device keeps its own', async (t) => {
  const entered = Promise.withResolvers<void>();
  const leave = Promise.withResolvers<void>();
  const { backend, gateway, busyDevice } = await startWorld(t, (app) => void app.get('/', () => 'here'));
  await gateway.mount('slow', (app) => {
    app.get('/secret', { config: { access: 'slow:read' } }, async () => {
      entered.resolve();
      await leave.promise;
      return 'secret';
    });
    app.get('/open', { config: { access: 'public' } }, async () => {
      await leave.promise;
      return 'open';
    });
  });
  const device = await busyDevice(16);
  const other = await busyDevice(16);
  const listed = (await localRequest(backend.socket, '/api/v1/devices')).json() as {
    devices: readonly { id: string }[];
  };
  const id = listed.devices[0]?.id ?? '';
  const streams = await Promise.all(FOLLOWED.map((path) => follow(device, path)));
  const kept = await Promise.all(FOLLOWED.map((path) => follow(other, path)));
  const secret = device.ask('/api/v1/slow/secret').then(
    () => 'answered',
    () => 'cut',
  );
  const open = device.ask('/api/v1/slow/open');
  await entered.promise;
  const changed = await localRequest(backend.socket, `/api/v1/devices/${id}`, {
    method: 'PATCH',
    body: { roles: [] },
  });
  assert.equal(changed.status, 200);
  await Promise.all(streams.map(({ ended }) => ended));
  assert.equal(await secret, 'cut');
  leave.resolve();
  assert.equal((await open).body.toString(), 'open');
  for (const path of FOLLOWED) assert.equal((await device.ask(path)).status, 403, path);
  const outcome = await Promise.race([...kept.map(({ ended }) => ended.then(() => 'ended')), 'open']);
  assert.equal(outcome, 'open');
});

test('a WebSocket for topics ends when the roles of its device change', async (t) => {
  const { backend } = await startWorld(t, (app) => void app.get('/', () => 'here'));
  const channel = await openChannel(backend.http, await pair(backend));
  channel.on('error', () => {});
  const webSocket = new WebSocket('ws://aico/api/v1/events/ws', { createConnection: () => channel });
  t.after(() => webSocket.terminate());
  await once(webSocket, 'open');
  webSocket.send(JSON.stringify({ op: 'subscribe', id: 1, topic: 'test.*' }));
  await once(webSocket, 'message');
  const { devices } = (await localRequest(backend.socket, '/api/v1/devices')).json() as {
    devices: readonly { id: string }[];
  };
  const closed = once(webSocket, 'close');
  await localRequest(backend.socket, `/api/v1/devices/${devices[0]?.id}`, {
    method: 'PATCH',
    body: { roles: ['guest'] },
  });
  assert.equal((await closed)[0], 1001);
});
