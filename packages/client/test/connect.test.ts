import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createSocketServer } from 'node:net';
import { describe, test } from 'node:test';
import { BackendNotRunningError, ChannelNotServedError, connect, pair } from '@aico/client';
import { clientSuite } from './fixtures/client-suite.ts';
import { cuttingProxy } from './fixtures/cutting-proxy.ts';
import { startPaired } from './fixtures/paired.ts';

describe('a client in Node', () => clientSuite(connect));

test('a body ends when the channel fails in the same read as the head of its answer', async (t) => {
  const { backend, credentials } = await startPaired(t);
  const refusal = Buffer.concat([Buffer.of(0, 32), Buffer.from(credentials.serverKey, 'hex')]);
  const record = Buffer.concat([Buffer.of(0, 80), Buffer.alloc(80)]);
  for (const [bytes, code] of [
    [refusal, 'AICO_CHANNEL_REFUSED'],
    [record, 'AICO_CHANNEL_RECORD'],
  ] as const) {
    const proxy = await cuttingProxy(t, backend.http);
    await using client = await connect({ address: proxy.address, credentials });
    await client.json('/api/v1/ways/query?n=1');
    const answered = proxy.hold();
    const asked = client.fetch('/api/v1/ways/unfinished');
    await answered;
    proxy.releaseWith(bytes);
    await assert.rejects((await asked).text(), (error: Error & { cause: { code: string } }) => {
      assert.equal(error.cause.code, code);
      return true;
    });
  }
});

test('a refused device gets an error, and so does a client of another server', async (t) => {
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

  const other = createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  // An invalid code is not sent.
  await assert.rejects(pair({ address: `127.0.0.1:${portOf(other)}`, code: 'K7QF', name: 'x' }), {
    code: 'AICO_CHANNEL_PAIRING_CODE_INVALID',
  });
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

test('a client that connects too often gets the time of its next attempt', async (t) => {
  const { backend, credentials } = await startPaired(t, {
    'core.channel.handshake_burst': 2,
    'core.channel.handshakes_per_minute': 1,
  });
  await using _client = await connect({ address: backend.http, credentials });
  await assert.rejects(connect({ address: backend.http, credentials }), {
    code: 'AICO_CLIENT_TOO_MANY_CHANNELS',
  });
});

function portOf(server: { address(): unknown }): number {
  const address = server.address();
  if (typeof address === 'object' && address !== null && 'port' in address) return Number(address.port);
  throw new TypeError('it has no port');
}
