/** Connections that have not completed a handshake take no resources from those that have. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createTestBackend, createTestHome, type TestBackend } from '@aico/backend/testing';
import { ChannelInitiator, type DeviceCredentials } from '@aico/protocol/channel';
import { sodiumSuite } from '@aico/protocol/channel/node';
import { nextFrame, openChannel, pair, upgrade } from './fixtures/channel.ts';
import { ChannelAgent } from './fixtures/channel-agent.ts';
import { Device } from './fixtures/through-channel.ts';

const UNLIMITED = { 'core.channel.handshake_burst': 100_000 };

async function start(t: TestContext, config = {}): Promise<TestBackend> {
  const backend = await createTestBackend({ config: { ...UNLIMITED, ...config } });
  t.after(() => backend.stop());
  return backend;
}

/** Whether the device is served, in a channel of its own. */
async function isServed(backend: TestBackend, credentials: DeviceCredentials): Promise<boolean> {
  const device = new Device(new ChannelAgent(backend.http, credentials));
  try {
    return (await device.ask('/api/v1/health')).status === 200;
  } finally {
    device.agent.destroy();
  }
}

/** Sends a first message and returns the body length of the answer, by which the answers differ. */
async function answerTo(backend: TestBackend, message: Uint8Array): Promise<number> {
  const socket = await upgrade(backend.http);
  socket.on('error', () => {});
  socket.write(message);
  const { byteLength } = await nextFrame(socket);
  socket.destroy();
  return byteLength;
}

const [SECOND_MESSAGE, REFUSAL, BUSY] = [48, 32, 2];

test('a replayed first message is refused, also after a restart; the device is served as before', async (t) => {
  const home = await createTestHome();
  t.after(() => home.remove());
  const first = await createTestBackend({ home: home.folder, config: UNLIMITED });
  // A backend that runs on after a failed assertion would keep the whole test run from ending.
  t.after(() => first.stop());
  const credentials = await pair(first);
  const opening = new ChannelInitiator(sodiumSuite, credentials);
  const socket = await upgrade(first.http);
  socket.write(opening.message);
  const session = opening.receive(await nextFrame(socket));
  assert.equal(await answerTo(first, opening.message), REFUSAL);
  socket.write(session.idle());
  for (let n = 0; n < 64; n += 1) assert.equal(await answerTo(first, opening.message), REFUSAL);
  const channels = (): unknown => first.container.getService('channel').healthCheck().data?.channels;
  assert.equal(channels(), 1);
  assert.ok(await isServed(first, credentials));
  socket.destroy();
  await first.stop();
  const second = await createTestBackend({ home: home.folder, config: UNLIMITED });
  t.after(() => second.stop());
  assert.equal(await answerTo(second, opening.message), REFUSAL);
  assert.ok(await isServed(second, credentials));
});

test('a channel counts once its first record has opened, and is closed if none does', async (t) => {
  const backend = await start(t, {
    'core.channel.max_channels_per_device': 1,
    'core.channel.handshake_ms': 300,
  });
  const credentials = await pair(backend);
  const silent: Socket[] = [];
  for (let n = 0; n < 20; n += 1) {
    const socket = await upgrade(backend.http);
    socket.write(new ChannelInitiator(sodiumSuite, credentials).message);
    assert.equal((await nextFrame(socket)).byteLength, SECOND_MESSAGE);
    silent.push(socket);
  }
  assert.equal(backend.container.getService('channel').healthCheck().data?.channels, 0);
  assert.ok(await isServed(backend, credentials));
  for (const socket of silent) {
    socket.resume();
    if (!socket.closed) await once(socket, 'close');
  }
});

test('a device at its channel limit gets a busy answer, and not a refusal', async (t) => {
  const backend = await start(t, { 'core.channel.max_channels_per_device': 1 });
  const credentials = await pair(backend);
  const first = await openChannel(backend.http, credentials);
  t.after(() => first.destroy());
  const channels = (): unknown => backend.container.getService('channel').healthCheck().data?.channels;
  while (channels() !== 1) await new Promise((resolve) => setImmediate(resolve));
  const second = await openChannel(backend.http, credentials);
  second.resume();
  const [error] = await once(second, 'error');
  assert.deepEqual([error.code, error.retryAfterSeconds], ['AICO_CHANNEL_BUSY', 5]);
});

test('half-open upgrades and silent connections do not keep a device out', async (t) => {
  const backend = await start(t, {
    'core.channel.max_unproven': 20,
    'core.channel.max_unproven_per_source': 8,
  });
  const credentials = await pair(backend);
  const kept = await openChannel(backend.http, credentials);
  t.after(() => kept.destroy());
  const { hostname, port } = new URL(backend.http);
  const hostile: Socket[] = [];
  t.after(() => hostile.map((socket) => socket.destroy()));
  for (let n = 0; n < 60; n += 1) {
    // Linux has all of 127.0.0.0/8; elsewhere they come from one address.
    const localAddress = process.platform === 'linux' ? `127.0.0.${2 + (n % 6)}` : undefined;
    const socket = connect({ host: hostname, port: Number(port), ...(localAddress && { localAddress }) });
    socket.on('error', () => {});
    hostile.push(socket);
    await once(socket, 'connect');
    if (n % 2 === 0)
      socket.write(
        `GET /channel HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\nUpgrade: aico-channel/1\r\n\r\n`,
      );
    if (n % 20 === 19) assert.ok(await isServed(backend, credentials), `after ${n + 1}`);
  }
  assert.equal(kept.destroyed, false);
});

test('a connection that has to make room gets a busy answer', async (t) => {
  const backend = await start(t, { 'core.channel.max_unproven_per_source': 2 });
  const [first, second] = [await upgrade(backend.http), await upgrade(backend.http)];
  const told = nextFrame(first);
  const third = await upgrade(backend.http);
  t.after(() => [second, third].map((socket) => socket.destroy()));
  assert.equal((await told).byteLength, BUSY);
});
