import assert from 'node:assert/strict';
import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import { openChannel } from '../../test/fixtures/channel.ts';
import { sodiumSuite } from '../channel/suites/sodium-suite.ts';
import { SealedStream } from './sealed-stream.ts';

test('a reset connection cuts the channel with an error that no HTTP client takes for an end', async () => {
  const [near, far] = duplexPair();
  const { client, server } = openChannel(sodiumSuite);
  const [reader, writer] = [new SealedStream(near, client), new SealedStream(far, server)];
  writer.on('error', () => {});
  writer.write('a part of a body without a length');
  await once(reader, 'data');
  const failed = once(reader, 'error');
  near.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
  const [error] = (await failed) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'AICO_CHANNEL_TRUNCATED');
  assert.equal((error.cause as NodeJS.ErrnoException).code, 'ECONNRESET');
});

test('an idle channel emits timeout on a carrier without timers, such as a WebSocket', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const [near] = duplexPair();
  const { client } = openChannel(sodiumSuite);
  const stream = new SealedStream(near, client);
  let told = 0;
  stream.setTimeout(1_000, () => {
    told += 1;
  });
  const now = performance.now() + 2_000;
  t.mock.method(performance, 'now', () => now);
  t.mock.timers.tick(2_000);
  assert.equal(told, 1);
  stream.destroy();
});
