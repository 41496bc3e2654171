/** Replies in flight when a channel reaches its lifetime, or when the backend stops. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { EncryptionMiddleware } from '@aico/backend';
import { createTestHome } from '@aico/backend/testing';
import { Multiplexer } from '@aico/protocol/carrier';
import { AICOKeyManager } from '@aico/shared/security';
import { openChannel, pair, pairWith } from './fixtures/channel.ts';
import { startWorld } from './fixtures/through-channel.ts';

for (const several of [false, true])
  test(`an answer cut by the lifetime of a channel does not look complete, ${several ? 'among several' : 'alone'}`, async (t) => {
    const { backend } = await startWorld(
      t,
      (app) => {
        app.get('/part', (_request, reply) => {
          reply.hijack();
          reply.raw.writeHead(200).write('a part');
        });
      },
      { config: { 'core.channel.lifetime_ms': 300 } },
    );
    const channel = await openChannel(backend.http, await pair(backend));
    channel.on('error', () => {});
    const connection = several ? Multiplexer.open(channel).stream() : channel;
    // Of HTTP/1.0: its body ends where the connection does.
    connection.write('GET /api/v1/test/part HTTP/1.0\r\n\r\n');
    await assert.rejects(buffer(connection), { code: 'AICO_CHANNEL_TRUNCATED' });
  });

for (const several of [false, true])
  test(`an answer cut by the deadline of a stop does not look complete, ${several ? 'among several' : 'alone'}`, async (t) => {
    const home = await createTestHome();
    t.after(() => home.remove());
    const [slotsFile, keyFile] = [path.join(home.folder, 'slots.json'), path.join(home.folder, 'key')];
    const keyManager = new AICOKeyManager({ slotsFile, keyFile });
    await keyManager.setUp({ keyFile: true });
    const server = createServer((_request, response) => {
      response.writeHead(200).write('a part');
    });
    const app = new EncryptionMiddleware({ server }, keyManager);
    t.after(() => app.close());
    const address = await app.listen({ port: 0 });
    const { text: code } = app.pairings.issue({ roles: [] });
    const channel = await openChannel(address, await pairWith(address, code));
    channel.on('error', () => {});
    const connection = several ? Multiplexer.open(channel).stream() : channel;
    connection.write('GET / HTTP/1.0\r\n\r\n');
    const body = buffer(connection);
    await Promise.all([
      assert.rejects(body, { code: 'AICO_CHANNEL_TRUNCATED' }),
      once(server, 'request').then(() => app.close(AbortSignal.timeout(50))),
    ]);
  });
