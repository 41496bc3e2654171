import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createSocketServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { localRequest } from '@aico/backend/testing';
import { BackendNotRunningError, ChannelNotServedError, type Client, connect, pair } from '@aico/client';
import { cuttingProxy } from './fixtures/cutting-proxy.ts';
import { pairedWith, startPaired } from './fixtures/paired.ts';

async function connected(t: TestContext): Promise<Client> {
  const { backend, credentials } = await startPaired(t);
  const client = await connect({ address: backend.http, credentials });
  t.after(() => client.close());
  return client;
}

test('credentials travel as JSON; requests, answers and refusals come through the channel', async (t) => {
  const { backend, credentials } = await startPaired(t);
  await using client = await connect({
    address: backend.http,
    credentials: JSON.parse(JSON.stringify(credentials)),
  });
  const reply = await client.json('/api/v1/ways/json', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text: 'ü' }),
  });
  assert.deepEqual(reply, { body: { text: 'ü' }, type: 'application/json' });
  assert.equal(await client.json('/api/v1/ways/nothing', { method: 'DELETE' }), undefined);
  await assert.rejects(client.json('/api/v1/none'), { code: 'AICO_GATEWAY_NOT_FOUND' });
  await assert.rejects(client.fetch('http://example.org/'), TypeError);
});

test('bodies stream both ways at once, and arrive whole', async (t) => {
  const client = await connected(t);
  const size = 8 * 1_048_576;
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent === size) return controller.close();
      const chunk = new Uint8Array(65_536).fill(sent / 65_536);
      sent += chunk.byteLength;
      return controller.enqueue(chunk);
    },
  });
  const response = await client.fetch('/api/v1/ways/echo', {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body,
    duplex: 'half',
  });
  let received = 0;
  for await (const chunk of response.body ?? []) {
    assert.equal(chunk[0], Math.floor(received / 65_536) % 256);
    received += chunk.byteLength;
  }
  assert.equal(received, size);
});

test('a form of the platform is sent as one', async (t) => {
  const client = await connected(t);
  const form = new FormData();
  form.append('note', 'ü');
  form.append('file', new Blob(['abc']), 'a.txt');
  const response = await client.fetch('/api/v1/ways/json', { method: 'POST', body: form });
  // The route takes no forms, and says so of the type it was sent.
  assert.equal(response.status, 415);
  await response.body?.cancel();
});

test('a request can be given up before its answer and within it; the client goes on', async (t) => {
  const client = await connected(t);
  const early = new AbortController();
  const asked = client.fetch('/api/v1/ways/never', { signal: early.signal });
  const reason = new Error('enough');
  early.abort(reason);
  await assert.rejects(asked, reason);
  const late = new AbortController();
  const endless = await client.fetch('/api/v1/ways/endless', { signal: late.signal });
  const reader = endless.body?.getReader();
  assert.equal((await reader?.read())?.done, false);
  late.abort(reason);
  await assert.rejects(async () => {
    while ((await reader?.read())?.done === false);
  }, reason);
  assert.equal((await client.fetch('/api/v1/health')).status, 200);
});

test('an answer that breaks off is an error', async (t) => {
  const client = await connected(t);
  await assert.rejects(client.json('/api/v1/ways/broken'), { code: 'AICO_CLIENT_BROKEN' });
  assert.equal((await client.fetch('/api/v1/health')).status, 200);
});

test('one after the other, requests share a channel; at once, they take some, and no more than are allowed', async (t) => {
  const { backend, credentials } = await startPaired(t);
  const proxy = await cuttingProxy(t, backend.http);
  await using client = await connect({ address: proxy.address, credentials });
  for (let index = 0; index < 20; index += 1) await client.json('/api/v1/health');
  // Undici may take a second one while it tidies up after an answer.
  assert.ok(proxy.connections <= 2, `${proxy.connections} connections`);
  const replies = await Promise.all(
    Array.from({ length: 60 }, (_, n) => client.json(`/api/v1/ways/query?n=${n}`)),
  );
  assert.deepEqual(
    replies,
    Array.from({ length: 60 }, (_, n) => ({ n: `${n}` })),
  );
  assert.ok(proxy.connections <= 18, `${proxy.connections} connections`);
});

test('after a break the next request opens a channel anew', async (t) => {
  const { backend, credentials } = await startPaired(t);
  const proxy = await cuttingProxy(t, backend.http);
  await using client = await connect({ address: proxy.address, credentials });
  await client.json('/api/v1/health');
  const unfinished = await client.fetch('/api/v1/ways/unfinished');
  proxy.cut();
  await assert.rejects(unfinished.text(), TypeError);
  await client.json('/api/v1/health');
});

test('who is not let in is told so, and whatever else answers there', async (t) => {
  const { backend, credentials } = await startPaired(t);
  const address = backend.http;
  const stranger = { ...credentials, deviceKey: '01'.repeat(32) };
  await assert.rejects(connect({ address, credentials: stranger }), { code: 'AICO_CHANNEL_REFUSED' });
  const impostor = { ...credentials, psk: '00'.repeat(32) };
  await assert.rejects(connect({ address, credentials: impostor }), { code: 'AICO_CHANNEL_HANDSHAKE' });
  const { serverKey, deviceKey } = credentials;
  const pinned = {
    ...credentials,
    serverKey: `${serverKey.slice(0, -2)}${serverKey.endsWith('00') ? '01' : '00'}`,
  };
  await assert.rejects(connect({ address, credentials: pinned }), {
    code: 'AICO_CHANNEL_SERVER_KEY_CHANGED',
  });
  const cut = { ...credentials, deviceKey: deviceKey.slice(2) };
  await assert.rejects(connect({ address, credentials: cut }), { code: 'AICO_CLIENT_CREDENTIALS' });
  await assert.rejects(connect({ address: 'ftp://x', credentials }), { code: 'AICO_CLIENT_ADDRESS' });
  await assert.rejects(pair({ address, code: 'K7QF', name: 'x' }), {
    code: 'AICO_CHANNEL_PAIRING_CODE_INVALID',
  });

  const other = createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  await assert.rejects(
    connect({ address: `127.0.0.1:${portOf(other)}`, credentials }),
    ChannelNotServedError,
  );
  const mute = createSocketServer().listen(0, '127.0.0.1');
  await once(mute, 'listening');
  t.after(() => mute.close());
  const silent = connect({ address: `127.0.0.1:${portOf(mute)}`, credentials, connectTimeoutMs: 50 });
  await assert.rejects(silent, BackendNotRunningError);
  await backend.stop();
  await assert.rejects(connect({ address, credentials }), { code: 'AICO_CLIENT_NOT_RUNNING' });
});

test('whoever connects too often is told when to come again', async (t) => {
  const { backend, credentials } = await startPaired(t, {
    'core.channel.handshake_burst': 2,
    'core.channel.handshakes_per_minute': 1,
  });
  await using _client = await connect({ address: backend.http, credentials });
  await assert.rejects(connect({ address: backend.http, credentials }), {
    code: 'AICO_CLIENT_TOO_MANY_CHANNELS',
  });
});

test('a device that is revoked is out at once, in what it asks and in what it follows', async (t) => {
  const { backend, credentials } = await startPaired(t);
  await using client = await connect({ address: backend.http, credentials });
  const pending = await client.fetch('/api/v1/ways/unfinished');
  const opened = Promise.withResolvers<void>();
  const events = client.subscribe('notes.*', { onOpen: opened.resolve });
  const next = events.next();
  await opened.promise;
  const gone = await localRequest(backend.socket, `/api/v1/devices/${credentials.device}`, {
    method: 'DELETE',
  });
  assert.equal(gone.status, 204);
  await assert.rejects(pending.text(), TypeError);
  await assert.rejects(client.json('/api/v1/health'), { code: 'AICO_CHANNEL_REFUSED' });
  await assert.rejects(next, { code: 'AICO_CHANNEL_REFUSED' });
});

test('a subscription goes on after breaks: nothing is missing, nothing comes twice', async (t) => {
  const { backend, credentials } = await startPaired(t);
  const bus = backend.container.getService('message_bus');
  const proxy = await cuttingProxy(t, backend.http);
  await using client = await connect({ address: proxy.address, credentials });
  const opened = Promise.withResolvers<void>();
  const seen: unknown[] = [];
  let gaps = 0;
  const events = client.subscribe('notes.*', { onOpen: opened.resolve, onGap: () => (gaps += 1) });
  const first = events.next();
  await opened.promise;
  await bus.publish('notes.new', { n: 0 });
  const { value } = await first;
  assert.equal(value?.topic, 'notes.new');
  seen.push(value?.data);
  for (let n = 1; n <= 30; n += 1) {
    if (n % 10 === 0) proxy.cut();
    await bus.publish('notes.new', { n });
  }
  while (seen.length < 31) seen.push((await events.next()).value?.data);
  assert.deepEqual(
    seen,
    Array.from({ length: 31 }, (_, n) => ({ n })),
  );
  assert.equal(gaps, 0);
  await bus.publish('notes.bytes', new Uint8Array([1, 2, 255]));
  const bytes = (await events.next()).value?.data;
  assert.deepEqual(bytes, new Uint8Array([1, 2, 255]));
  await events.return();
});

test('a topic that a device may not follow is a refusal, not another attempt', async (t) => {
  const { backend } = await startPaired(t, { 'core.devices.roles': { owner: ['*'], deaf: ['*:read'] } });
  const credentials = await pairedWith(backend, ['deaf']);
  await using client = await connect({ address: backend.http, credentials });
  await assert.rejects(client.subscribe('notes.*').next(), { code: 'AICO_GATEWAY_CAPABILITY' });
});

function portOf(server: { address(): unknown }): number {
  const address = server.address();
  if (typeof address === 'object' && address !== null && 'port' in address) return Number(address.port);
  throw new TypeError('it has no port');
}
