import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createSocketServer } from 'node:net';
import { describe, test } from 'node:test';
import { BackendNotRunningError, ChannelNotServedError, connect, pair } from '@aico/client';
import { clientSuite } from './fixtures/client-suite.ts';
import { startPaired } from './fixtures/paired.ts';

describe('a client in Node', () => clientSuite(connect));

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

  const other = createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  // A code that can be none does not even knock.
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

function portOf(server: { address(): unknown }): number {
  const address = server.address();
  if (typeof address === 'object' && address !== null && 'port' in address) return Number(address.port);
  throw new TypeError('it has no port');
}
