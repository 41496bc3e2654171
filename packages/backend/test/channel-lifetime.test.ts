/** What a channel that is too old does to an answer in flight. */
import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { Multiplexer } from '@aico/protocol/carrier';
import { openChannel, pair } from './fixtures/channel.ts';
import { startWorld } from './fixtures/through-channel.ts';

for (const several of [false, true])
  test(`an answer that the lifetime of a channel cuts is no whole one, ${several ? 'among several' : 'alone'}`, async (t) => {
    const { backend } = await startWorld(
      t,
      (app) => {
        app.get('/part', (_request, reply) => {
          reply.hijack();
          reply.raw.writeHead(200).write('a part');
        });
      },
      { overrides: { 'core.channel.lifetime_ms': 300 } },
    );
    const channel = await openChannel(backend.http, await pair(backend));
    channel.on('error', () => {});
    const connection = several ? Multiplexer.open(channel).stream() : channel;
    // Of HTTP/1.0: its body ends where the connection does.
    connection.write('GET /api/v1/test/part HTTP/1.0\r\n\r\n');
    await assert.rejects(buffer(connection), { code: 'AICO_CHANNEL_TRUNCATED' });
  });
