import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { localRequest } from '@aico/backend/testing';
import { connect, pair } from '@aico/client/browser';
import { clientSuite } from './fixtures/client-suite.ts';
import { startPaired } from './fixtures/paired.ts';

// Node has the WebSocket and the streams of browsers, so this tests the code that a browser runs.
describe('a client in a browser', () => {
  clientSuite(connect);

  test('pairs over a WebSocket; a refused device gets an error', async (t) => {
    const { backend, credentials } = await startPaired(t);
    const address = backend.http;
    const reply = await localRequest(backend.socket, '/api/v1/devices/pairings', {
      method: 'POST',
      body: {},
    });
    const { code } = reply.json() as { readonly code: string };
    const own = await pair({ address, code, name: 'browser' });
    await using client = await connect({ address, credentials: own });
    const replies = await Promise.all(
      Array.from({ length: 40 }, (_, n) => client.json(`/api/v1/ways/query?n=${n}`)),
    );
    assert.deepEqual(
      replies,
      Array.from({ length: 40 }, (_, n) => ({ n: `${n}` })),
    );
    await assert.rejects(pair({ address, code, name: 'browser' }), { code: 'AICO_CHANNEL_REFUSED' });
    const stranger = { ...credentials, deviceKey: '01'.repeat(32) };
    await assert.rejects(connect({ address, credentials: stranger }), { code: 'AICO_CHANNEL_REFUSED' });
    await backend.stop();
    await assert.rejects(connect({ address, credentials }), { code: 'AICO_CLIENT_NOT_RUNNING' });
  });
});
